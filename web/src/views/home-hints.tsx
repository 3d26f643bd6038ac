import { api } from '../state';
import { erasures as words } from '../text';
import { useLoad } from '../ui/load';
import { isUnderWay } from './erasure-words';

/** What goes on elsewhere and may need the person. A failure to find out is no reason to disturb them here. */
export function HomeHints() {
  const erasures = useLoad((signal) => api.erasures({ signal }), 'erasures');
  const running = erasures.value?.erasures.filter(isUnderWay).length ?? 0;
  if (running === 0) return null;
  return (
    <p class="note" data-testid="hint-erasures">
      {words.underWay(running)} <a href="/privacy">{words.follow}</a>
    </p>
  );
}
