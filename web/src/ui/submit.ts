import { useState } from 'preact/hooks';

/** A form that sends one thing: busy while it is sent, what went wrong, and whether it was done. */
export function useSubmit(send: () => Promise<void>) {
  const [state, setState] = useState<{ busy: boolean; error: unknown; done: boolean }>({
    busy: false,
    error: null,
    done: false,
  });
  const submit = async (event?: Event) => {
    event?.preventDefault();
    setState({ busy: true, error: null, done: false });
    try {
      await send();
      setState({ busy: false, error: null, done: true });
    } catch (error) {
      setState({ busy: false, error, done: false });
    }
  };
  return { ...state, submit };
}
