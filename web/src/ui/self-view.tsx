import { useEffect, useRef } from 'preact/hooks';

/** The candidate's own picture, mirrored as in a mirror and always without sound. */
export function SelfView(props: { stream: MediaStream; label: string }) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = props.stream;
    void video.play().catch(() => undefined); // a paused preview is no error
    return () => {
      video.srcObject = null;
    };
  }, [props.stream]);
  return (
    <video ref={ref} class="self-view" muted playsInline aria-label={props.label} data-testid="self-view" />
  );
}
