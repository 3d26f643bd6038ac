/** 252000 → "4:12"; an hour and more → "1:04:12". */
export function clock(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const seconds = String(total % 60).padStart(2, '0');
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}

/** What is left, rounded up: a countdown shows 0:00 only when it is over. */
export function countdown(ms: number): string {
  return clock(Math.ceil(Math.max(0, ms) / 1000) * 1000);
}

/** 252000 → "4 minutes 12 seconds" for people who listen. */
export function spoken(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const minutes = Math.floor(total / 60);
  const seconds = total % 60;
  const parts = [
    minutes > 0 && `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`,
    (seconds > 0 || minutes === 0) && `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`,
  ];
  return parts.filter(Boolean).join(' ');
}

const dateFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

export function date(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? '' : dateFormat.format(at);
}

export function dateTime(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? '' : `${dateFormat.format(at)}, ${timeFormat.format(at)}`;
}

const secondsFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

export function time(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? '' : secondsFormat.format(at);
}

/** Local day as an input of type date wants it. */
export function isoDay(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The last moment of a local day, as RFC 3339. */
export function endOfDay(day: string): string {
  return new Date(`${day}T23:59:59`).toISOString();
}

export function addDays(at: Date, days: number): Date {
  const moved = new Date(at);
  moved.setDate(moved.getDate() + days);
  return moved;
}

/** "P2Y" → "2 years", "PT24H" → "24 hours"; empty where no length of time is meant. */
export function period(iso: string): string {
  const match = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(iso);
  if (!match) return '';
  const units = ['year', 'month', 'week', 'day', 'hour', 'minute'];
  const parts = units.flatMap((unit, i) => {
    const n = Number(match[i + 1] ?? 0);
    return n === 0 ? [] : [`${n} ${n === 1 ? unit : `${unit}s`}`];
  });
  return listed(parts);
}

/** Sizes in the units disks are sold in. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** "words_per_minute" → "Words per minute", for names the page has no words for. */
export function plainName(id: string): string {
  const words = id.replace(/[_.-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "a", "a and b", "a, b and c". */
export function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}
