import type { Call, Client } from './client';
import type * as t from './types';

const at = encodeURIComponent;

/** How somebody proves who they are; the code is left out where there is none. */
const proof = (password: string, code: string) => (code ? { password, code } : { password });

/** Every call the pages make, typed; one line an operation of the API document. */
export function endpoints(client: Client) {
  const loggedOut: Call = { mayBeLoggedOut: true };
  return {
    checkAge: (birth_date: string) => client.post<t.AgeAnswer>('age-check', { birth_date }, loggedOut),
    join: (account: t.NewAccount) => client.post<t.Account>('accounts', account, loggedOut),
    logIn: (email: string, password: string, code: string) =>
      client.post<t.Account>('log-in', { email, ...proof(password, code) }, loggedOut),
    logOut: () => client.post<void>('log-out', undefined, loggedOut),
    me: () => client.get<t.Account>('me', loggedOut),
    confirm: (password: string, code: string) => client.post<void>('log-in/confirm', proof(password, code)),
    rename: (display_name: string) => client.put<t.Account>('me/name', { display_name }),
    changeEmail: (email: string) => client.put<t.Account>('me/email', { email }),
    changePassword: (password: string, code: string, new_password: string) =>
      client.put<void>('me/password', { ...proof(password, code), new_password }),
    offerSecondFactor: () => client.post<t.OfferedFactor>('me/second-factor'),
    keepSecondFactor: (code: string) => client.post<t.Account>('me/second-factor/confirm', { code }),
    dropSecondFactor: (password: string, code: string) =>
      client.post<void>('me/second-factor/drop', proof(password, code)),
    logIns: (call?: Call) => client.get<{ log_ins: t.LogIn[] }>('log-ins', call),
    endLogIn: (id: string) => client.post<void>(`log-ins/${at(id)}/end`),
    logOutEverywhere: () => client.post<void>('log-out-everywhere'),
    closeAccount: () => client.post<t.Closed>('me/close'),
    reopenAccount: () => client.post<t.Account>('me/reopen'),
    aiObjection: (call?: Call) => client.get<t.Objection>('me/ai-objection', call),
    objectToAI: () => client.post<t.Objection>('me/ai-objection'),
    liftAIObjection: () => client.delete<t.Objection>('me/ai-objection'),
    bank: (call?: Call) => client.get<t.Bank>('bank', call),
    judge: (call?: Call) => client.get<t.Judge>('judge', call),
    privacy: (call?: Call) => client.get<t.Privacy>('privacy', call),
    retention: (call?: Call) => client.get<t.Retention>('retention', call),

    /** The text is looked at for the bank's own words and not kept. */
    startSession: (asked: t.SessionAsked) => client.post<t.Session>('sessions', asked),
    fit: (role: string, text: string, call?: Call) => client.post<t.Fit>('fit', { role, text }, call),
    readPdf: (file: Blob, call?: Call) => client.post<t.PdfText>('read-pdf', file, call),
    sessions: (call?: Call) => client.get<{ sessions: t.Session[] }>('sessions', call),
    session: (id: string, call?: Call) => client.get<t.Session>(`sessions/${at(id)}`, call),
    notice: (id: string, call?: Call) => client.get<t.Notice>(`sessions/${at(id)}/notice`, call),
    giveConsents: (id: string, notice_sha256: string, consents: t.Consents) =>
      client.post<t.Session>(`sessions/${at(id)}/consents`, { notice_sha256, ...consents }),
    withdrawConsent: (id: string, consent: t.ConsentName) =>
      client.post<t.Session>(`sessions/${at(id)}/consents/withdraw`, { consent }),

    /** A refusal is an answer here: the room finds out itself why, and asks. */
    roomTicket: (id: string) =>
      client.post<t.RoomTicket>(`sessions/${at(id)}/room-ticket`, undefined, loggedOut),

    publishToken: (id: string) => client.post<t.PublishToken>(`sessions/${at(id)}/publish-token`),

    report: (id: string, call?: Call) => client.get<t.Report>(`sessions/${at(id)}/report`, call),
    recording: (id: string, call?: Call) => client.get<t.Recording>(`sessions/${at(id)}/recording`, call),
    rateSelf: (id: string, question: number, take: number, competency: string, level: number) =>
      client.put<void>(`sessions/${at(id)}/answers/${question}/${take}/self-ratings/${at(competency)}`, {
        level,
      }),
    contest: (
      id: string,
      question: number,
      take: number,
      competency: string,
      words: string,
      moment_ms: number | null,
    ) =>
      client.post<t.Contested>(`sessions/${at(id)}/answers/${question}/${take}/contests/${at(competency)}`, {
        words,
        ...(moment_ms === null ? {} : { moment_ms }),
      }),

    correct: (id: string, lines: t.CorrectedLine[]) =>
      client.post<void>(`sessions/${at(id)}/corrections`, { lines }),

    organizations: (call?: Call) => client.get<{ organizations: t.Organization[] }>('organizations', call),
    authorizations: (id: string, call?: Call) =>
      client.get<{ authorizations: t.Authorization[] }>(`sessions/${at(id)}/authorizations`, call),
    authorize: (id: string, request: t.NewAuthorization) =>
      client.post<t.Authorization>(`sessions/${at(id)}/authorizations`, request),
    withdrawAuthorization: (id: string, authorization: string) =>
      client.post<void>(`sessions/${at(id)}/authorizations/${at(authorization)}/withdraw`),
    accesses: (id: string, call?: Call) =>
      client.get<{ accesses: t.Access[] }>(`sessions/${at(id)}/accesses`, call),

    invitations: (id: string, call?: Call) =>
      client.get<{ invitations: t.Invitation[] }>(`sessions/${at(id)}/invitations`, call),
    invite: (id: string, offer: t.InvitationOffer) =>
      client.post<t.NewInvitation>(`sessions/${at(id)}/invitations`, offer),
    cancelInvitation: (id: string, invitation: string) =>
      client.post<void>(`sessions/${at(id)}/invitations/${at(invitation)}/cancel`),
    confirmRequest: (id: string, authorization: string) =>
      client.post<t.Authorization>(`sessions/${at(id)}/authorizations/${at(authorization)}/confirm`),
    refuseRequest: (id: string, authorization: string) =>
      client.post<void>(`sessions/${at(id)}/authorizations/${at(authorization)}/refuse`),
    renewAuthorization: (id: string, authorization: string, notice_sha256: string) =>
      client.post<t.Authorization>(`sessions/${at(id)}/authorizations/${at(authorization)}/renew`, {
        notice_sha256,
      }),
    noticeChange: (id: string, call?: Call) =>
      client.get<{ changes: t.NoticeChange[] }>(`sessions/${at(id)}/notice-change`, call),
    restrict: (id: string) => client.post<t.Session>(`sessions/${at(id)}/restrict`),
    unrestrict: (id: string) => client.post<t.Session>(`sessions/${at(id)}/unrestrict`),
    viewers: (id: string, call?: Call) => client.get<t.Viewers>(`sessions/${at(id)}/viewers`, call),
    receipts: (id: string, call?: Call) =>
      client.get<{ receipts: t.Receipt[] }>(`sessions/${at(id)}/receipts`, call),
    organizationReceipts: (call?: Call) =>
      client.get<{ receipts: t.Receipt[] }>('organization/receipts', call),
    redeemInvitation: (secret: string) => client.post<t.Request>('invitations/redeem', { secret }),
    requests: (call?: Call) => client.get<{ requests: t.Request[] }>('shared/requests', call),
    eraseSession: (id: string) => client.post<t.Erasure>(`sessions/${at(id)}/erase`),
    erasures: (call?: Call) => client.get<{ erasures: t.Erasure[] }>('erasures', call),

    shared: (call?: Call) => client.get<{ sessions: t.SharedSession[] }>('shared', call),
    sharedReport: (id: string, call?: Call) => client.get<t.Report>(`shared/${at(id)}/report`, call),
    /** Level 0: the answer shows nothing about it. */
    rateAnswer: (
      id: string,
      question: number,
      take: number,
      competency: string,
      revision: number, // of the words that were read
      level: number,
      why: string,
    ) =>
      client.put<void>(`shared/${at(id)}/answers/${question}/${take}/ratings/${at(competency)}`, {
        level,
        why,
        revision,
      }),
    finishRatingForm: (id: string) => client.post<void>(`shared/${at(id)}/rating-form/done`),
    sharedRecording: (id: string, call?: Call) => client.get<t.Recording>(`shared/${at(id)}/recording`, call),

    myData: (call?: Call) => client.get<t.MyData>('me/data', call),
    myAccesses: (offset: number, call?: Call) =>
      client.get<t.AccessPage>(`me/accesses?offset=${offset}`, call),
    myAICalls: (offset: number, call?: Call) =>
      client.get<t.AICallPage>(`me/ai-calls?offset=${offset}`, call),
    /** Of one interview, or with an empty id of everything. */
    requestExport: (session: string) => client.post<t.Export>('exports', session ? { session } : {}),
    exports: (call?: Call) => client.get<{ exports: t.Export[] }>('exports', call),
    /** Refused for what its download would be refused for. */
    checkExport: (id: string) => client.get<t.Export>(`exports/${at(id)}`),

    overview: (call?: Call) => client.get<t.Overview>('ops/overview', call),
  };
}

export type Api = ReturnType<typeof endpoints>;

/** Whose recording: the candidate's own session, or one shared with an organization. */
export type Origin = 'sessions' | 'shared';

/** A frozen snapshot of a recording; a newer one has another address. */
export function recordingUrl(origin: Origin, id: string, through: number): string {
  return `/api/v1/${origin}/${at(id)}/recording.webm?through=${through}`;
}

export function captionsUrl(origin: Origin, id: string): string {
  return `/api/v1/${origin}/${at(id)}/captions.vtt`;
}

/** The signed certificate of an erasure, as a file. */
export function certificateUrl(id: string): string {
  return `/api/v1/erasures/${at(id)}/certificate`;
}

/** The public keys that this server signs with, of today and before, as a file. */
export const keysUrl = '/api/v1/keys';

/** A signed receipt with what is needed to check it, as a file. */
export function receiptUrl(id: string): string {
  return `/api/v1/receipts/${at(id)}`;
}

export function exportUrl(id: string): string {
  return `/api/v1/exports/${at(id)}/download`;
}

export function eventsUrl(origin: Origin, id: string): string {
  return `/api/v1/${origin}/${at(id)}/events`;
}
