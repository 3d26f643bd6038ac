import type { Mode, Role, RoleLength } from '../api/types';

/** The length of an interview: what was wanted, where the role has it. An exam has one length for everyone. */
export function lengthFor(role: Pick<Role, 'usual' | 'lengths'>, mode: Mode, wanted: number): RoleLength {
  if (mode === 'exam') return role.usual;
  return role.lengths.find((l) => l.questions === wanted) ?? role.usual;
}
