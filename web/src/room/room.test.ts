import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FromServer } from '../protocol/messages';
import { FakePeer, FakeSocket, fakeStream } from './fakes';
import { MAKE_MS, MEND_MS, RESTART_MS, Room, roomUrl } from './room';
import { waitBefore } from './socket';

const consents = { recording: true, transcription: true, assessment: true };
const welcome: FromServer = {
  type: 'welcome',
  version: 2,
  session: 's',
  role_title: 'r',
  total: 2,
  consents,
};
const waiting: FromServer = { type: 'turn', phase: 'waiting', total: 2 };

const settled = () => vi.advanceTimersByTimeAsync(0);

interface SetUp {
  mayRetry?: () => Promise<boolean>;
  kinds?: ('audio' | 'video')[];
  ticket?: () => Promise<string>;
  page?: string;
  takeover?: boolean;
}

async function setUp(options: SetUp = {}) {
  let tickets = 0;
  const sockets: FakeSocket[] = [];
  const peers: FakePeer[] = [];
  const leaving = new AbortController();
  const stream = fakeStream(...(options.kinds ?? ['audio', 'video']));
  const room = new Room({
    stream,
    url: 'ws://h/room',
    random: () => 0,
    now: () => 0,
    ticket: options.ticket ?? (async () => `t${++tickets}`),
    openSocket: (url, protocols) => {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
    makePeer: () => {
      const peer = new FakePeer();
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    ...(options.mayRetry && { mayRetry: options.mayRetry }),
    ...(options.page && { page: options.page }),
    ...(options.takeover && { takeover: true }),
  });
  room.join(leaving.signal);
  await settled();
  const socket = () => sockets[sockets.length - 1] ?? fail('a socket');
  const peer = () => peers[peers.length - 1] ?? fail('a peer');
  return { room, sockets, peers, socket, peer, leaving, stream };
}

function fail(what: string): never {
  throw new Error(`want ${what}`);
}

async function joined(options: SetUp = {}) {
  const all = await setUp(options);
  all.socket().open();
  all.socket().say(welcome);
  all.socket().say(waiting);
  await settled();
  return all;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('joining', () => {
  it('says hello, offers both tracks one way, and trickles after the offer', async () => {
    const { socket, peer, room } = await joined();
    expect(socket().sent[0]).toEqual({ type: 'hello', version: 2 });
    expect(socket().types()).toEqual(['hello', 'offer', 'ice_candidate']);
    expect(socket().sent[2]).toEqual({
      type: 'ice_candidate',
      ice_candidate: { candidate: 'candidate:1', sdp_mid: '0', sdp_mline_index: 0 },
    });
    expect(peer().transceivers).toEqual([
      { kind: 'audio', direction: 'sendonly' },
      { kind: 'video', direction: 'sendonly' },
    ]);
    peer().become('connected');
    expect(room.state.peer).toBe('connected');
  });

  it('offers sound only without a camera', async () => {
    const { peer } = await joined({ kinds: ['audio'] });
    expect(peer().transceivers).toEqual([{ kind: 'audio', direction: 'sendonly' }]);
  });

  it('keeps candidates that come before the answer', async () => {
    const { socket, peer } = await joined();
    socket().say({ type: 'ice_candidate', ice_candidate: { candidate: 'c' } });
    await settled();
    expect(peer().candidates).toEqual([]);
    socket().say({ type: 'answer', sdp: 'v=0\r\n' });
    await settled();
    expect(peer().candidates).toHaveLength(1);
  });

  it('goes on after a message that it does not understand', async () => {
    const { socket, room } = await joined();
    socket().say('{"type":"surprise"}');
    expect(room.state.link).toBe('open');
    expect(console.warn).toHaveBeenCalledOnce();
  });
});

describe('tickets', () => {
  it('shows a new one at every try, beside the protocol', async () => {
    const { sockets, socket } = await joined();
    socket().lose();
    await vi.advanceTimersByTimeAsync(500);
    expect(sockets.map((s) => s.protocols)).toEqual([
      ['greenroom.room.v1', 'ticket.t1'],
      ['greenroom.room.v1', 'ticket.t2'],
    ]);
  });

  it('tries again where none is given, and asks the session why', async () => {
    const ticket = vi.fn().mockRejectedValue(new Error('no'));
    const mayRetry = vi.fn().mockResolvedValue(false);
    const { sockets, room } = await setUp({ ticket, mayRetry });
    expect(room.state).toMatchObject({ link: 'reconnecting', attempt: 1 });
    await vi.advanceTimersByTimeAsync(500 + 1000);
    expect(ticket).toHaveBeenCalledTimes(2);
    expect(mayRetry).toHaveBeenCalledOnce();
    expect(sockets).toHaveLength(0);
    expect(room.state.link).toBe('closed');
  });

  it('opens nothing with a ticket that comes after the page has left', async () => {
    let give: (ticket: string) => void = () => undefined;
    const { sockets, leaving } = await setUp({ ticket: () => new Promise((resolve) => (give = resolve)) });
    leaving.abort();
    give('late');
    await settled();
    expect(sockets).toHaveLength(0);
  });
});

describe('commands', () => {
  it('sends only what means something now', async () => {
    const { socket, peer, room } = await joined();
    expect(room.command('done')).toBe(false);
    expect(room.command('begin')).toBe(false); // nothing is heard yet
    peer().become('connected');
    expect(room.command('begin')).toBe(true);
    expect(socket().types().at(-1)).toBe('begin');
  });

  it('sends nothing into a link that is down', async () => {
    const { socket, peer, room } = await joined();
    peer().become('connected');
    socket().lose();
    expect(room.command('begin')).toBe(false);
  });

  it('mutes the track, says so, and says it again after a new offer', async () => {
    const { socket, peer, room, stream } = await joined();
    room.setMuted('audio', true);
    expect(stream.tracks[0]?.enabled).toBe(false);
    expect(socket().sent.at(-1)).toEqual({ type: 'muted', kind: 'audio', muted: true });
    peer().become('failed');
    await vi.advanceTimersByTimeAsync(MEND_MS);
    expect(socket().types().slice(-3)).toEqual(['offer', 'ice_candidate', 'muted']);
  });
});

describe('coming back', () => {
  it('reconnects with a new hello and a new peer, and keeps what it knew', async () => {
    const { sockets, peers, socket, room } = await joined();
    const first = socket();
    first.say({ type: 'caption', epoch: 1, sequence: 0, start_ms: 0, end_ms: 1, text: 'kept' });
    first.lose();
    expect(room.state).toMatchObject({ link: 'reconnecting', attempt: 1 });
    await vi.advanceTimersByTimeAsync(500);
    socket().open();
    socket().say(welcome);
    await settled();
    expect(sockets).toHaveLength(2);
    expect(socket().types().slice(0, 2)).toEqual(['hello', 'offer']);
    expect(peers[0]?.closed).toBe(true);
    expect(room.state.captions).toHaveLength(1);
    first.say({ type: 'ended', reason: 'finished' }); // late words of the old socket are not heard
    expect(room.state.ended).toBeNull();
  });

  it('waits longer each time, and tries at once when the network is back', async () => {
    const { sockets, socket, room } = await joined();
    for (const wait of [500, 1000, 2000]) {
      const before = sockets.length;
      socket().lose();
      await vi.advanceTimersByTimeAsync(wait - 1);
      expect(sockets).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(sockets).toHaveLength(before + 1);
    }
    socket().lose();
    room.online();
    room.online(); // one try at a time
    await settled();
    expect(sockets).toHaveLength(5);
    room.online();
    await settled();
    expect(sockets).toHaveLength(5);
  });

  it('starts its waits anew after a link that lived', async () => {
    const { socket, room } = await joined();
    await vi.advanceTimersByTimeAsync(10_000);
    socket().lose();
    expect(room.state.attempt).toBe(1);
  });

  it('gives a try up that neither opens nor fails', async () => {
    const { sockets } = await setUp();
    await vi.advanceTimersByTimeAsync(10_000 + 500);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.closed).toBe(true);
  });

  it('stops trying when the session says that there is no room any more', async () => {
    const mayRetry = vi.fn().mockResolvedValue(false);
    const { socket, room, sockets } = await joined({ mayRetry });
    socket().lose();
    await vi.advanceTimersByTimeAsync(500);
    socket().lose();
    await vi.advanceTimersByTimeAsync(1000);
    expect(mayRetry).toHaveBeenCalledOnce();
    expect(room.state.link).toBe('closed');
    expect(sockets).toHaveLength(2);
  });

  it('comes back by itself to a server that stops', async () => {
    const { socket, room, sockets } = await joined();
    socket().say({ type: 'ended', reason: 'server_stopping' });
    socket().lose();
    await vi.advanceTimersByTimeAsync(500);
    expect(sockets).toHaveLength(2);
    expect(room.state.ended).toBeNull();
  });

  it('restarts ICE when media stays lost, then offers anew, and does neither when it mends itself', async () => {
    const { peers, peer, socket } = await joined();
    socket().say({ type: 'answer', sdp: 'v=0\r\n' });
    peer().become('disconnected');
    await vi.advanceTimersByTimeAsync(MEND_MS - 1);
    peer().become('connected');
    await vi.advanceTimersByTimeAsync(MEND_MS);
    expect(peer().restarts).toEqual([false]);
    peer().become('disconnected');
    await vi.advanceTimersByTimeAsync(MEND_MS);
    expect(peers).toHaveLength(1);
    expect(peer().restarts).toEqual([false, true]);
    expect(socket().types().at(-2)).toBe('offer');
    socket().say({ type: 'answer', sdp: 'v=0\r\n' });
    await vi.advanceTimersByTimeAsync(RESTART_MS - 1);
    expect(peers).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(peers).toHaveLength(2);
  });

  it('keeps the connection that a restart of ICE mended', async () => {
    const { peers, peer, socket } = await joined();
    socket().say({ type: 'answer', sdp: 'v=0\r\n' });
    peer().become('failed');
    await vi.advanceTimersByTimeAsync(MEND_MS);
    peer().become('connected');
    await vi.advanceTimersByTimeAsync(RESTART_MS + MAKE_MS);
    expect(peers).toHaveLength(1);
  });

  it('restarts ICE at once when the network is another one', async () => {
    const { peers, peer, socket, room } = await joined();
    socket().say({ type: 'answer', sdp: 'v=0\r\n' });
    peer().become('connected');
    await settled();
    room.online();
    await settled();
    expect(peer().restarts).toEqual([false, true]);
    room.online(); // while the answer is on its way
    await settled();
    expect(peer().restarts).toEqual([false, true]);
    expect(peers).toHaveLength(1);
  });

  it('offers anew when a connection is never made', async () => {
    const { peers, peer } = await joined();
    await vi.advanceTimersByTimeAsync(MAKE_MS);
    expect(peers).toHaveLength(2);
    peer().become('connected');
    await vi.advanceTimersByTimeAsync(MAKE_MS);
    expect(peers).toHaveLength(2);
  });

  it('has its local description set before the server can answer', async () => {
    const { socket, peer } = await setUp();
    let state = '';
    const send = FakeSocket.prototype.send;
    vi.spyOn(FakeSocket.prototype, 'send').mockImplementation(function (this: FakeSocket, text: string) {
      if (text.includes('"offer"')) state = peer().signalingState;
      send.call(this, text);
    });
    socket().open();
    socket().say(welcome);
    await settled();
    expect(state).toBe('have-local-offer');
  });

  it('offers anew at once when the server says that media is lost', async () => {
    const { peers, socket } = await joined();
    socket().say({ type: 'problem', code: 'connection_lost', message: 'm', next: 'n', fatal: false });
    await settled();
    expect(peers).toHaveLength(2);
  });

  it('goes on with other devices over a new offer', async () => {
    const { room, peers, peer } = await joined();
    await room.useStream(fakeStream('audio'));
    expect(peers).toHaveLength(2);
    expect(peer().transceivers).toHaveLength(1);
  });
});

describe('another window', () => {
  it('says which page it is at every hello, and asks to take over at the first only', async () => {
    const { socket } = await joined({ page: 'a-page-of-a-window', takeover: true });
    expect(socket().sent[0]).toEqual({
      type: 'hello',
      version: 2,
      page: 'a-page-of-a-window',
      takeover: true,
    });
    socket().lose();
    await vi.advanceTimersByTimeAsync(500);
    socket().open();
    expect(socket().sent[0]).toEqual({ type: 'hello', version: 2, page: 'a-page-of-a-window' });
  });

  it('asks again to take over if it was not welcomed', async () => {
    const { socket } = await setUp({ takeover: true });
    socket().open();
    socket().lose();
    await vi.advanceTimersByTimeAsync(500);
    socket().open();
    expect(socket().sent[0]).toEqual({ type: 'hello', version: 2, takeover: true });
  });

  it('stays away where another window has the interview', async () => {
    const { socket, sockets, room } = await setUp();
    socket().open();
    socket().say({ type: 'problem', code: 'taken', message: 'm', next: 'n', fatal: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(room.state.problem).toMatchObject({ code: 'taken', fatal: true });
  });
});

describe('a program that sends', () => {
  it('keeps the page from sending, also after a reconnect', async () => {
    const { socket, peers, room } = await setUp();
    socket().open();
    socket().say({ ...welcome, program: true });
    await settled();
    expect(peers).toHaveLength(0);
    expect(room.state.program).toBe('sending');
    room.online();
    socket().say({ type: 'problem', code: 'connection_lost', message: 'm', next: 'n', fatal: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(peers).toHaveLength(0);
  });

  it('takes the place of the page, which does not turn its microphone on again by itself', async () => {
    const { socket, peers, peer, room } = await joined();
    socket().say({ type: 'program', sending: true });
    expect(peer().closed).toBe(true);
    socket().say({ type: 'program', sending: false });
    expect(room.state.program).toBe('stopped');
    socket().lose();
    await vi.advanceTimersByTimeAsync(500);
    socket().open();
    socket().say(welcome);
    await settled();
    expect(room.state.program).toBe('stopped');
    expect(peers).toHaveLength(1);
    await room.useOwn();
    expect(peers).toHaveLength(2);
    expect(room.state.program).toBe('none');
    expect(socket().sent.find((m) => m.type === 'offer')).not.toHaveProperty('takeover');
  });

  it('gives its place back when the person says so', async () => {
    const { socket, room, peer } = await setUp();
    socket().open();
    socket().say({ ...welcome, program: true });
    await room.useOwn();
    expect(socket().sent.find((m) => m.type === 'offer')).toMatchObject({ takeover: true });
    socket().say({ type: 'program', sending: false }); // the server's word that it has stopped
    expect(room.state.program).toBe('none');
    expect(peer().closed).toBe(false);
  });
});

describe('leaving', () => {
  it('closes everything when the page goes', async () => {
    const { leaving, socket, peer, sockets, room } = await joined();
    leaving.abort();
    expect(socket().closed).toBe(true);
    expect(peer().closed).toBe(true);
    expect(room.state.link).toBe('closed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
  });

  it.each(['finished', 'taken_over', 'logged_out'])('stays away after ended: %s', async (reason) => {
    const { socket, sockets, peer, room } = await joined();
    socket().say({ type: 'ended', reason });
    socket().lose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(peer().closed).toBe(true);
    expect(room.state.ended).toBe(reason);
  });

  it('stays away after a fatal problem', async () => {
    const { socket, sockets, room } = await joined();
    socket().say({ type: 'problem', code: 'consent_required', message: 'm', next: 'n', fatal: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(room.state.problem).toMatchObject({ code: 'consent_required', fatal: true });
  });
});

describe('waitBefore', () => {
  it.each([
    [1, 0, 500],
    [2, 0, 1000],
    [5, 0, 8000],
    [50, 0, 8000],
    [1, 1, 250],
  ])('try %d with chance %d waits %d ms', (attempt, chance, want) => {
    expect(waitBefore(attempt, () => chance)).toBe(want);
  });
});

describe('roomUrl', () => {
  it('follows the page', () => {
    expect(roomUrl('a/b', { protocol: 'https:', host: 'h:1' })).toBe('wss://h:1/api/v1/sessions/a%2Fb/room');
    expect(roomUrl('a', { protocol: 'http:', host: 'h' })).toBe('ws://h/api/v1/sessions/a/room');
  });
});
