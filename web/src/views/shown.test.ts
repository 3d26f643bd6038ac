import { isValidElement, type VNode } from 'preact';
import { expect, it, vi } from 'vitest';
import type { Question, Report, Take } from '../api/types';
import { emptyRoom, type RoomState, reduce } from '../room/core';
import { report as words } from '../text';
import { Levels } from '../ui/levels';
import { PrintedTake } from './report-printed';
import { TurnControls } from './room-turn';

// Components without a state of their own are functions: what they return is looked through, without a page.

type Element = VNode<Record<string, unknown>>;

function elements(of: unknown): Element[] {
  if (Array.isArray(of)) return of.flatMap(elements);
  if (!isValidElement(of)) return [];
  const element = of as Element;
  return [element, ...elements(element.props.children)];
}

const turn = {
  type: 'turn',
  index: 0,
  total: 2,
  take: 1,
  question: { text: 'Why?', kind: 'technical' },
} as const;

it('keeps the button that has the focus while a follow-up is thought of, and does nothing by it', () => {
  const done = (phase: 'answering' | 'thinking' | 'probing') => {
    const open: RoomState = reduce(emptyRoom, { type: 'link', link: 'open', attempt: 0 });
    const state = reduce(open, { type: 'message', message: { ...turn, phase }, now: 0 });
    const send = vi.fn();
    const shown = elements(TurnControls({ state, send, finish: () => undefined }));
    const place = shown.findIndex((e) => e.props['data-testid'] === 'room-done');
    const props: Record<string, unknown> = shown[place]?.props ?? {};
    (props.onClick as () => void)();
    return { place, disabled: props.disabled, told: props['aria-disabled'], sent: send.mock.calls.flat() };
  };
  const answering = done('answering');
  expect(answering).toMatchObject({ disabled: false, told: false, sent: ['done'] });
  expect(done('thinking')).toEqual({ place: answering.place, disabled: false, told: true, sent: [] });
  expect(done('probing')).toEqual(answering);
});

it('prints of levels no more than the screen shows, and says of a skipped take that it is one', () => {
  const rating = {
    competency: 'c',
    outcome: 'level',
    level: 3,
    at: '',
    rater: { kind: 'model', model: 'm', pass: 'first' },
  };
  const take = {
    take: 1,
    ratings: [rating],
    evidence: [],
    standings: [],
    lines: [],
    ended_by: 'skip',
  } as unknown as Take;
  const question = { index: 0, text: 'Why?', competencies: ['c'], takes: [take] } as unknown as Question;
  const report = { questions: [question], competencies: [{ id: 'c', name: 'C' }] } as unknown as Report;
  const printed = (own: boolean, change: Partial<Report> = {}, of: Take = take) =>
    elements(PrintedTake({ report: { ...report, ...change }, question, take: of, own }));
  const withheld = (shown: Element[]) => shown.find((e) => e.type === Levels)?.props.quotesWithheld;
  const said = (shown: Element[]) => shown.filter((e) => e.type === 'p').map((e) => e.props.children);
  expect(withheld(printed(false, { withheld: ['feedback'] }))).toBe(true);
  expect(withheld(printed(true))).toBe(false);
  expect(said(printed(false))).toContain(words.notAnswered);
  expect(said(printed(true))).toContain(words.endedBy.skip);
  expect(said(printed(false, {}, { ...take, ended_by: 'done' }))).not.toContain(words.notAnswered);
});
