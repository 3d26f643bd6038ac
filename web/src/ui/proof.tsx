import { useState } from 'preact/hooks';
import type { Account } from '../api/types';
import { login } from '../text';
import { Field } from './field';

/** What somebody gives to prove again who they are: the password, and a code where they have one. */
export function useProof(account: Account | null | undefined) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  return {
    email: account?.email ?? '',
    needsCode: account?.second_factor === 'on',
    password,
    setPassword,
    code,
    setCode,
    /** A code counts once, also where something else was wrong. */
    clearCode: () => setCode(''),
    clear: () => {
      setPassword('');
      setCode('');
    },
  };
}

export function ProofFields(props: {
  proof: ReturnType<typeof useProof>;
  label: string;
  first?: boolean;
  testId: string;
}) {
  const { proof } = props;
  return (
    <>
      {/* Password managers look for whose password it is. */}
      <input type="email" autocomplete="username" value={proof.email} hidden readOnly />
      <Field
        label={props.label}
        type="password"
        value={proof.password}
        onValue={proof.setPassword}
        autoComplete="current-password"
        first={props.first ?? false}
        testId={`${props.testId}-password`}
      />
      {proof.needsCode && (
        <Field
          label={login.code}
          type="code"
          value={proof.code}
          onValue={proof.setCode}
          hint={login.codeHint}
          testId={`${props.testId}-code`}
        />
      )}
    </>
  );
}
