import type { Access } from '../api/types';
import { opened } from '../text';
import { dateTime } from '../ui/format';

export interface AccessGroup {
  at: string; // the newest of its accesses
  org: string;
  what: string[]; // in the order of the report's parts, each once
}

/** One page view reads several parts: what an organization opened within a minute is one line, newest first. */
export function accessGroups(list: readonly Access[]): AccessGroup[] {
  const groups = new Map<string, { at: string; org: string; artefacts: Set<string> }>();
  for (const access of [...list].sort((a, b) => Date.parse(b.at) - Date.parse(a.at))) {
    const key = JSON.stringify([access.org_name, dateTime(access.at)]);
    const group = groups.get(key) ?? { at: access.at, org: access.org_name, artefacts: new Set() };
    group.artefacts.add(access.artefact);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ at, org, artefacts }) => ({ at, org, what: inOrder(artefacts) }));
}

function inOrder(artefacts: ReadonlySet<string>): string[] {
  const known = Object.keys(opened).filter((a) => artefacts.has(a));
  const unknown = [...artefacts].filter((a) => !(a in opened));
  return [...known.map((a) => opened[a] ?? a), ...unknown];
}
