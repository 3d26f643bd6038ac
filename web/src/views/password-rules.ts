import { join } from '../text';

export const PASSWORD_MIN = 15;
export const PASSWORD_MIN_WITH_CODE = 8;
export const PASSWORD_MAX = 128;

export interface Rule {
  id: string;
  words: string;
  met: boolean;
}

/** The server's rules, shown as they are met. Characters are counted as people do, not as UTF-16. */
export function passwordRules(password: string, email: string, least = PASSWORD_MIN): Rule[] {
  const length = [...password].length;
  const rules = [{ id: 'min', words: join.ruleLength(least), met: length >= least }];
  if (length > PASSWORD_MAX) rules.push({ id: 'max', words: join.ruleLongest(PASSWORD_MAX), met: false });
  const same = email !== '' && password.toLowerCase() === email.toLowerCase();
  rules.push({ id: 'email', words: join.ruleNotEmail, met: length > 0 && !same });
  return rules;
}
