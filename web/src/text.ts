// Every sentence a person reads, in one place. Second person, short, no jargon, no praise. An error says
// what happened, whether the work is safe, and what to do now.

export const app = {
  name: 'Greenroom',
  skip: 'Go to the content',
  logOut: 'Log out',
  logIn: 'Log in',
  account: 'Account',
  home: 'Your interviews',
  privacy: 'Privacy',
  shared: 'Shared with us',
  ops: 'Operations',
  nav: 'Main',
  theme: { label: 'Colours', auto: 'As the system', light: 'Light', dark: 'Dark' },
  offline: 'You are offline. What is on this page stays; new things load when the network is back.',
  offlineRoom: 'You are offline. What you said before is kept as you chose. The room comes back by itself.',
  retry: 'Try again',
  cancel: 'Cancel',
  close: 'Close',
  back: 'Back',
  loading: 'Loading',
  saved: 'Saved',
};

export const failure = {
  offline: {
    detail: 'The server cannot be reached. Nothing was changed.',
    next: 'Check your connection, then try again.',
  },
  unanswered: {
    detail: 'The server did not answer, so it is not known whether this arrived.',
    next: 'Check your connection, then try again; if it matters how often, reload the page and look first.',
  },
  server: {
    detail: 'The server could not do this. What was stored before is safe.',
    next: 'Try again in a moment.',
  },
  unexpected: { detail: 'This page stumbled. What was stored before is safe.', next: 'Try again.' },
  retryIn: (seconds: number) =>
    `You can try again in ${seconds === 1 ? 'one second' : `${seconds} seconds`}.`,
};

export const notFound = {
  title: 'There is no page here',
  body: 'The address may be mistyped, or what was here is not shared any more.',
  home: 'Go to the first page',
};

export const wrongKind = {
  title: 'This page is for somebody else',
  body: (email: string) => `You are logged in as ${email}, and this page is not for that kind of account.`,
  next: 'Go to your own first page',
};

export const landing = {
  title: 'Practise an interview, and see what you actually said.',
  what: 'A mock interview in your browser: a few questions, a little time to think, and a report that rests on your own words.',
  facts: [
    {
      title: 'What is recorded',
      body: 'Nothing until you say so. Recording, writing down your words and a rating by a model are three separate choices, and you can take the interview without any of them.',
    },
    {
      title: 'Who sees it',
      body: 'You. An organization sees only the parts you share with it, until the date you set, and you can end that at any moment.',
    },
    {
      title: 'What is not done',
      body: 'Nobody judges your face, your voice, your accent or your feelings, and nothing says whether you should be hired.',
    },
  ],
  start: 'Start',
  logIn: 'Log in',
  continueFor: {
    candidate: 'Go to your interviews',
    employer: 'Go to what is shared with you',
    ops: 'Go to operations',
  },
};

export const join = {
  ageTitle: 'First, your birth date',
  ageBody:
    'Accounts are for people who are old enough. The date is used for this one question and is not kept.',
  birthDate: 'Birth date',
  birthDateHint: 'Day, month and year',
  continue: 'Continue',
  refusedTitle: 'Not yet',
  refused: (age: number) =>
    `You can have an account here from the age of ${age}. Nothing you typed was kept. You are welcome when the time has come.`,
  refusedNext: 'Back to the first page',
  title: 'Your account',
  name: 'Name',
  nameHint: 'As you want to be addressed',
  email: 'E-mail address',
  password: 'Password',
  rules: 'What it needs',
  ruleLength: (min: number) => `At least ${min} characters`,
  ruleLongest: (max: number) => `At most ${max} characters`,
  ruleNotEmail: 'Not your e-mail address',
  ruleHint: 'Any characters will do. A few words in a row are easy to remember.',
  met: 'met',
  notMet: 'not met yet',
  show: 'Show',
  hide: 'Hide',
  submit: 'Create account',
  haveAccount: 'You have an account?',
};

export const login = {
  title: 'Log in',
  again: 'Log in again',
  againBody:
    'Your log-in has ended. Log in here and you go on where you were; what you typed is still there.',
  first: 'Log in to open that page. You come to it right after.',
  other: 'That is another account. Log in with the one you had, or go to the first page.',
  email: 'E-mail address',
  password: 'Password',
  submit: 'Log in',
  code: 'Code',
  codeHint: 'Six digits, from your authenticator',
  codeBody: (email: string) =>
    `The password for ${email} is right. Now the code that your authenticator shows.`,
  codeLost:
    'You cannot make codes any more? Whoever runs this server can reset that for you; then you set it up anew.',
  otherAccount: 'Use another account',
  noAccount: 'No account yet?',
  join: 'Create one',
};

export const confirm = {
  title: 'Is it you?',
  body: 'This lets others see something, or cannot be undone, so prove once more that it is you. After that you are not asked for five minutes.',
  password: 'Password',
  submit: 'Confirm',
};

export const factor = {
  title: 'Second factor',
  neededTitle: 'One more thing before you begin',
  needed:
    'What candidates share must not hang on a password alone. Set up a second factor; after that everything opens.',
  what: 'A code from an authenticator program on your phone or computer, asked for beside the password. Whoever learns your password can then still not log in.',
  on: 'On: a code is asked for beside your password.',
  begin: 'Set it up',
  replace: 'Use another authenticator',
  setUp: 'Set up the second factor',
  steps: {
    program: 'Open an authenticator program. Any that makes codes by time will do.',
    scan: 'Scan the picture with it, or type the key in.',
    code: 'Type the code that it shows now.',
  },
  qr: 'QR code with the key below',
  byHand: 'The key, to type in by hand:',
  submit: 'Switch it on',
  ends: 'Every other log-in you have ends when it is switched on.',
  lost: 'There are no spare codes. If you lose your authenticator, whoever runs this server resets it for you.',
  drop: 'Switch it off',
  dropBody: 'After that your password alone logs you in, so it must have at least 15 characters.',
  dropSubmit: 'Switch it off',
};

export const account = {
  title: 'Your account',
  lead: (email: string) => `You log in as ${email}.`,
  name: 'Name',
  nameLabel: 'What you are called',
  nameSubmit: 'Change the name',
  email: 'E-mail address',
  emailLabel: 'What you log in with',
  emailHint: 'Changing it logs you out everywhere else.',
  emailSubmit: 'Change the address',
  password: 'Password',
  passwordBody: 'A new password ends every other log-in you have.',
  passwordNow: 'Present password',
  passwordNext: 'New password',
  passwordSubmit: 'Change the password',
  passwordDone: 'Your password is changed. Every other log-in has ended.',
  logIns: 'Where you are logged in',
  logInsBody: 'End what you do not know or do not use any more. Pages that are open there close at once.',
  current: '(this one)',
  unknownDevice: 'Unknown browser',
  times: (began: string, used: string) => `Since ${began}, last used ${used}`,
  end: 'End',
  endLabel: (device: string) => `End the log-in with ${device}`,
  everywhere: 'Log out everywhere',
};

/** Closing an account, and opening it again. */
export const closing = {
  title: 'Close the account',
  body: 'Everything ends at once. 30 days later your interviews and your profile are erased. Until then you can undo it.',
  open: 'Close the account',
  ask: 'Close your account?',
  list: [
    'An interview that is going on comes first: end it in its room, or erase it.',
    'Every log-in of yours ends.',
    'Everything you share ends now, for good. Whoever is watching is cut off.',
    'Nobody works on your interviews any more, and nobody sees them, not even you.',
    'After 30 days your interviews and your profile are erased. Until then you can log in and undo it.',
    'What you agreed to and took back stays as proof for three years after that, without any content. An interview that must be kept for legal reasons is erased when that ends.',
  ],
  submit: 'Close it',
  keep: 'Keep it',
  done: (day: string) =>
    `Your account is closed. Your interviews and your profile are erased on ${day}. You can undo that until then: log in.`,
  closedTitle: 'Your account is closed',
  closed: (since: string, until: string) =>
    `You closed it on ${since}. On ${until} your interviews and your profile are erased, and it cannot be undone any more.`,
  undoBody:
    'If you undo it, your interviews are here again as they were. What you shared has ended; you can share it anew.',
  undo: 'Undo: open it again',
};

export const states: Record<string, string> = {
  scheduled: 'Not begun',
  consented: 'Ready to begin',
  live: 'Going on',
  ended: 'Finished',
  assessed: 'Finished, report complete',
  abandoned: 'Broken off',
  erased: 'Erased',
};

export const modes = {
  practice: { name: 'Practice', body: 'Feedback after each answer, and you can answer again.' },
  exam: { name: 'Exam', body: 'The same questions for everyone, each answered once. Feedback at the end.' },
};

export const home = {
  title: 'Your interviews',
  hello: (name: string) => `Hello, ${name}.`,
  emptyTitle: 'No interview yet',
  empty:
    'You choose a role, read what is kept and by whom, check your microphone, and then it begins. It takes about fifteen minutes.',
  start: 'Start an interview',
  goOn: 'Your next step',
  next: {
    scheduled: { title: (role: string) => `${role}: read what is kept, and choose`, action: 'Go on' },
    consented: { title: (role: string) => `${role}: check microphone and camera`, action: 'Go on' },
    live: { title: (role: string) => `${role}: your interview is still open`, action: 'Return to the room' },
    report: { title: (role: string) => `${role}: your report is here`, action: 'Open the report' },
  },
  list: 'All interviews',
  columns: { date: 'Date', role: 'Role', mode: 'Mode', state: 'State', shared: 'Shared with' },
  sharedWith: (n: number) => (n === 0 ? 'Nobody' : n === 1 ? '1 organization' : `${n} organizations`),
  data: 'Everything held about you, and a copy to take along',
};

export const start = {
  title: 'A new interview',
  role: 'What do you practise for?',
  mode: 'How?',
  willHappen: 'What will happen',
  bank: (n: number, kinds: { kind: string; questions: number }[]) =>
    `${n} questions to choose from: ${kinds.map((k) => `${k.questions} ${k.kind}`).join(', ')}.`,
  length: 'How long?',
  lengthOf: (n: number, minutes: number) => ({
    questions: `${n} questions`,
    minutes: `up to ${minutes} min`,
  }),
  steps: {
    practice: (n: number, minutes: number, takes: number) => [
      'You read what would be kept and who judges, and choose. Then you check your microphone and, if you like, your camera.',
      `You are asked ${n} questions, one at a time, with time to think before each. As far as there are others, they are not the ones you were asked before.`,
      'You answer aloud, and then one follow-up question. You end each answer yourself, or a long silence or the time does.',
      `After each answer you see what was counted and, where you let a model rate it, what it says. You can answer each question up to ${takes} times.`,
      `Once through takes up to ${minutes} minutes, without reading. You get a report; nobody else sees it unless you share it.`,
    ],
    exam: (n: number, minutes: number) => [
      'You read what would be kept and who judges, and choose. Then you check your microphone and, if you like, your camera.',
      `You are asked the ${n} questions that everyone gets in this exam, in the same order, with time to think before each.`,
      'You answer aloud, each question once, and then the follow-up question that everyone gets. You end each answer yourself, or a long silence or the time does.',
      'What was counted and, where you let a model rate it, what it says comes at the end, all at once.',
      `It takes up to ${minutes} minutes. You get a report; nobody else sees it unless you share it.`,
    ],
  },
  followUps: {
    legend: 'Follow-up questions',
    title: 'Let the AI ask follow-up questions of its own',
    body: (n: number) =>
      `Up to ${n} times, in place of the ready follow-up. Where you pause for a while, and when your answer ends, the model gets what was written down of it, without your name; it has until four seconds after the end to ask. Each is marked as the AI’s. It needs your yes to the AI on the next page.`,
  },
  tailor: {
    summary: 'Prefer questions by a résumé or a job description',
    body: 'Paste either, or both. The words of our questions are looked for in it; questions that have to do with it come first. It is used once and not kept, and no AI reads it.',
    label: 'Your text',
    pdf: 'Read it from a PDF',
    reading: 'Reading the PDF…',
    read: 'This is what the PDF says. Change what you like.',
    cut: 'The PDF is long: this is its beginning. Change what you like.',
    tooLong: 'The text was cut: its first 100,000 characters are here. Take out what matters less.',
    tooLarge: 'The file has more than 1 MB. Paste the text, or choose a smaller file.',
    look: 'See what fits',
    clear: 'Remove it',
    fits: (n: number) =>
      n === 1 ? 'One question has to do with your text:' : `${n} questions have to do with your text:`,
    none: 'None of our questions has to do with it: you get the usual ones.',
  },
  submit: 'Go on',
  noRoles: 'There is nothing to practise for yet. Whoever runs this server has not set up any roles.',
};

export const consent = {
  title: 'What may be kept',
  intro:
    'Three separate choices. None is a condition: you can take the interview with any of them, or with none.',
  boxes: {
    recording: {
      title: 'Record me',
      yes: 'Your sound and picture are kept, encrypted, so that you can watch them in your report.',
      no: 'Without it: you are heard and seen by this server while you speak, and nothing of it is kept.',
    },
    transcription: {
      title: 'Write down my words',
      yes: (who: string) => `You see captions, and a transcript in your report. Done by ${who}.`,
      no: 'Without it: no captions and no transcript.',
    },
    assessment: {
      title: 'Let my answers be assessed',
      yes: (who: string) => `${who} Only your words are read, never your face or voice.`,
      no: 'Without it: you can still rate yourself.',
      needs: 'This reads your transcript, so it needs “Write down my words”.',
    },
  },
  model: (model: string, second: string, place: string) =>
    second
      ? `Two models (${model} and ${second}, ${place}) compare your words with written descriptions.`
      : `A model (${model}, ${place}) compares your words with written descriptions.`,
  noModel:
    'No model is set up on this server: facts such as speaking time are counted, and no level is given.',
  transcriber: (engine: string, place: string) =>
    `${engine} on ${place === 'this server' ? 'this server' : place}`,
  noTranscriber: 'nobody: no speech engine is set up on this server, so there are no captions',
  withdraw: 'You can take each of these back at any time, also in the middle of the interview.',
  notice: 'The whole notice',
  seeNotice: 'Read the whole notice',
  refuseTitle: 'What if I refuse the assessment?',
  refuse:
    'You get the same questions, the same time and your own recording and transcript if you chose them. Nobody is told that you refused.',
  none: 'You chose none. The interview takes place all the same; afterwards there is nothing but the list of questions.',
  submit: 'Continue',
  changed: 'The notice has changed since you opened this page. Please read it again; nothing was stored.',
};

export const devices = {
  title: 'Microphone and camera',
  intro: 'Nothing is sent or kept on this page. Only you see and hear this.',
  ask: 'Your browser asks whether this page may use them. Choose “Allow”.',
  microphone: 'Microphone',
  camera: 'Camera',
  noCamera: 'No camera, sound only',
  preview: 'Your picture',
  previewOff: 'Sound only. That is fine: nobody rates a picture.',
  meter: 'Your voice, the last five seconds',
  speak: 'Say a sentence. The bars should move.',
  heard: 'Your voice arrives.',
  hearYourself: 'Say a sentence and hear it',
  listening: 'Listening for four seconds. Speak now.',
  played: 'This is how you sound. It was kept in this page only.',
  ready: 'Ready. Your microphone works.',
  readyCamera: 'Ready. Your microphone and camera work.',
  submit: 'Go to the room',
  otherProgram: 'Go in without them and send from another program',
  again: 'Ask again',
  opening: 'Waiting for your microphone and camera',
  trouble: {
    denied: {
      audio: 'The microphone is blocked for this page.',
      video: 'The camera is blocked for this page. You can go on with sound only.',
      next: 'Open the settings beside the address of this page, allow it there, then ask again.',
    },
    missing: {
      audio: 'No microphone was found.',
      video: 'No camera was found. You can go on with sound only.',
      next: 'Plug one in or turn it on, then ask again.',
    },
    in_use: {
      audio: 'The microphone does not start. Another program may be using it.',
      video: 'The camera does not start. Another program may be using it. You can go on with sound only.',
      next: 'Close the other program or tab, then ask again.',
    },
    insecure: {
      audio: 'The browser gives this page no microphone because its address is not secure.',
      video: 'The browser gives this page no camera because its address is not secure.',
      next: 'Open the page by https, or on this machine by http://localhost.',
    },
    unknown: {
      audio: 'The microphone does not start.',
      video: 'The camera does not start. You can go on with sound only.',
      next: 'Unplug it and plug it in again, or choose another one, then ask again.',
    },
  },
};

export const program = {
  setUp: 'Use another program for sound and picture',
  sending:
    'Sound and picture come from your other program. Turn them off and on there; this page does the rest.',
  stopped:
    'Your other program has stopped, so nothing of you arrives. Start it again, or use this page’s microphone.',
  stoppedAlone: 'Your other program has stopped, so nothing of you arrives. Start it again.',
  alone: 'This page has no microphone to send from. Set your other program up to go on.',
  useOwn: 'Use this page’s microphone',
  title: 'Sound and picture from another program',
  body: 'A program that speaks WHIP can send them in place of this page. Questions, captions and what is kept stay here, and what you agreed to holds for both.',
  needs:
    'It must send Opus for sound, and VP8 or VP9 if there is a picture. A program that knows only H.264 is refused.',
  replaces: 'It needs an address and a token. A token that you made for this interview before ends.',
  make: 'Make address and token',
  address: 'Address (WHIP endpoint)',
  token: 'Token (bearer token)',
  once: (until: string) =>
    `Copy both now: the token is not shown again. Whoever has it can send for this interview and see nothing of it, until ${until} or until you log out. When the program starts, it takes this page’s place.`,
  done: 'Done',
  cancel: 'Cancel',
};

export const spoken = {
  doubtful: 'This word may have been misheard.',
  heard: (what: string) => `Heard: “${what}”. Written as this term because it sounds like it.`,
};

export const room = {
  title: 'Interview',
  position: (index: number, total: number) => `Question ${index + 1} of ${total}`,
  kinds: { behavioural: 'Behavioural', situational: 'Situational', technical: 'Technical' } as Record<
    string,
    string
  >,
  waitingTitle: 'When you are ready',
  waiting: (n: number) =>
    `${n === 1 ? 'One question' : `${n} questions`}, one at a time. You get time to think before each. Take a breath; it begins when you say so.`,
  begin: 'Begin',
  beginHint: 'The button works as soon as your sound arrives.',
  thinking: 'Time to think',
  answering: 'Your answer',
  probing: 'Follow-up',
  probe: 'Follow-up question',
  probeByModel: 'Follow-up by the AI, from what you said',
  followUpThinking: 'Thinking of a follow-up…',
  ending: 'Interview ends',
  heldLabel: 'On hold',
  held: (seconds: number) => `Take your time: the clock goes on in ${seconds} s, or when you speak.`,
  heldSaid: 'Take your time. The clock goes on in 30 seconds, or when you speak.',
  closing: (seconds: number) => `Finishing your answer in ${seconds} s. Keep talking to go on.`,
  closingSaid: 'Finishing your answer in 4 seconds. Keep talking to go on.',
  moment: 'A moment',
  momentHint: (n: number) =>
    `Stops the clock for up to 30 seconds. ${n === 1 ? 'Once more' : 'Twice'} in this answer.`,
  reviewing: 'Your answer is kept as you chose. Read what came of it, or go on when you like.',
  lastReview: 'That was the last question. The interview ends by itself; speak now and your answer goes on.',
  next: 'Next question',
  toEnd: 'End the interview',
  again: 'Answer again',
  againHint: (n: number) =>
    n === 1 ? 'One more take of this question.' : `${n} more takes of this question.`,
  skipProbe: 'Skip the follow-up',
  left: (clock: string) => `${clock} left`,
  announce: (seconds: number) => `${seconds} seconds left`,
  startAnswer: 'Start answering now',
  done: 'Done',
  skip: 'Skip this question',
  finish: 'Finish the interview',
  finishTitle: 'Finish now?',
  finishBody: 'What you said so far is kept as you chose. The questions that are left will not be asked.',
  finishYes: 'Finish',
  finishNo: 'Go on',
  space: 'Space',
  shortcuts: 'Keyboard shortcuts',
  shortcutsHint: 'Single keys work while no button or field has the focus.',
  repeat: 'Read it again',
  voiceOn: 'Read questions aloud',
  voiceOff: 'Do not read aloud',
  voiceSilent: 'This question is shown and not spoken: there is no voice for it here.',
  voiceProgram:
    'Questions are shown and not spoken while another program sends your sound: talking could not stop the voice.',
  voiceWaits: 'The question is read aloud once you have stopped talking.',
  listen: 'Listen',
  muteMic: 'Mute',
  unmuteMic: 'Unmute',
  micMuted: 'You are muted. Nobody hears you, and no words are written down.',
  cameraOff: 'Camera off',
  cameraOn: 'Camera on',
  selfView: 'You',
  hideSelf: 'Hide me',
  showSelf: 'Show me',
  selfHidden: 'Your picture is hidden from you only.',
  soundOnly: 'Sound only',
  captions: 'Captions',
  captionsEmpty: 'Your words appear here a moment after you said them.',
  captionsOff: 'No captions: your words are not written down.',
  hideCaptions: 'Hide captions',
  showCaptions: 'Show captions',
  mark: {
    on: 'Recording',
    delayed: 'Recording, stored later',
    failed: 'Not being recorded',
    off: 'Not recording',
    unknown: 'Checking the recording',
  },
  connection: {
    connecting: 'Connecting.',
    good: 'Connection: good.',
    media: 'Connected. Setting up sound and picture.',
    lost: 'Sound and picture do not arrive. Trying again.',
    reconnecting: (attempt: number) =>
      `The connection is lost${attempt > 1 ? ` (try ${attempt})` : ''}. What you said before is kept as you chose. Trying again.`,
    missingAudio: 'Your microphone does not arrive at the server. Check that it is on.',
    missingVideo: 'Your picture does not arrive. Your sound does; you can go on.',
    program: 'Connection: good. Your other program sends.',
    programMissing: 'Your other program is connected, but no sound arrives from it.',
    programStopped: 'No sound arrives: your other program has stopped.',
    alone: 'Connected. No sound arrives yet: nothing sends any.',
    closed: 'Not connected.',
  },
  feedback: 'Your answer before',
  feedbackNow: 'What came of your answer',
  live: 'What is on',
  consents: { recording: 'Recording', transcription: 'Writing down', assessment: 'Assessment' },
  isOn: 'on',
  isOff: 'off',
  stop: 'Stop',
  stopFor: (what: string) => `Stop: ${what}`,
  stopHint: 'Stopping works at once and stays for this interview. The interview goes on.',
  gap: {
    sentence: (note: { what: string; ms: number; several: boolean; reason: string }) => {
      const seconds = Math.max(1, Math.round(note.ms / 1000));
      const span = `${seconds === 1 ? '1 second' : `${seconds} seconds`}${note.several ? ' in all' : ''}`;
      if (note.what === 'picture') {
        return `Your picture was missing for ${span}. Your voice is kept, so there is nothing to say again.`;
      }
      const cause: Record<string, string> = {
        network: `The network dropped for ${span}.`,
        reconnect: `The connection was lost for ${span}.`,
        storage: `For ${span} nothing could be stored.`,
        serverdown: `The server was away for ${span}.`,
        consent: `Recording was off for ${span}.`,
        muted: `You were muted for ${span}.`,
      };
      if (note.what === 'chosen') return cause[note.reason] ?? `Nothing was kept for ${span}.`;
      const kept = note.several ? 'The rest of what you said is kept' : 'What you said before is kept';
      const gone =
        seconds === 1
          ? 'that second is missing. Say it again or go on.'
          : `those ${seconds} seconds are missing. Say them again or go on.`;
      return `${cause[note.reason] ?? `Something was lost for ${span}.`} ${kept}; ${gone}`;
    },
  },
  ok: 'All right',
  deviceLost: { audio: 'Your microphone was unplugged.', video: 'Your camera was unplugged.' },
  deviceAgain: 'Use another one',
  noMicrophone: 'The room needs your microphone',
  checkDevices: 'Check microphone and camera',
  reload: 'Reload',
  toReport: 'Open your report',
  toHome: 'To your interviews',
  ended: {
    finished: {
      title: 'That was the interview',
      body: 'What you chose to keep is stored. Your report fills in as results arrive.',
    },
    time_limit: {
      title: 'The time is over',
      body: 'The interview reached its longest length. What you said until now is kept as you chose.',
    },
    abandoned: {
      title: 'The interview was closed',
      body: 'Nobody was connected for too long. What you said before is kept as you chose.',
    },
    taken_over: {
      title: 'The interview goes on in another window',
      body: 'Another window or device of yours took it over, so this one stepped back and sends nothing any more. What was said here is kept as you chose. You can bring it back; the other one then steps back.',
    },
    logged_out: {
      title: 'You are logged out',
      body: 'What you said is kept as you chose. Log in again to come back to the room.',
    },
    erased: { title: 'This interview is not here any more', body: 'It was ended or erased somewhere else.' },
    gone: {
      title: 'This room cannot be entered',
      body: 'The interview has ended, or it belongs to another account.',
    },
  } as Record<string, { title: string; body: string }>,
  comeBack: 'Come back here',
  otherProgram: 'Send sound from another program',
  programSends: 'Your other program sends.',
  nothingHere: 'No microphone on this page.',
  taken: {
    title: 'This interview is open in another window',
    body: 'Continue here? The other window or device then steps back. Nothing that was said is lost, and the question stays the same.',
    yes: 'Continue here',
  },
  toConsent: 'Read what may be kept',
  stopping: 'The server is restarting. What you said is kept as you chose. This page comes back by itself.',
};

export const agreement = {
  title: 'How the model compares with people',
  sentence: (models: readonly string[], answers: number, questions: number, people: number, on: string) =>
    `${models.join(' and ')} rated ${answers} answers to ${questions} questions that at least ${people} people had rated, each by themselves, measured on ${on}.`,
  limit:
    'That says how it does on such answers, not on this one: read the words it points to and judge yourself.',
  columns: { what: 'Measured', value: 'Value', interval: '95 % interval', n: 'Of' },
  interval: (low: string, high: string) => `${low} to ${high}`,
  kappa: 'Agreement with people',
  kappaCounted: 'Weighted kappa with the middle level of the people: 1 is the same levels, 0 is chance.',
  humans: 'Two people with each other',
  humansCounted: 'The same, for comparison: no model can be asked for more.',
  icc: 'Same levels, not only the same order',
  iccCounted: 'Intraclass correlation, ICC(2,1).',
  bias: 'Too generous or too strict, in levels',
  biasCounted: 'Mean difference; above 0 the model gives higher levels than people.',
  pairs: 'The better of two twins first',
  pairsCounted: 'Share of pairs in which one text lacks a part that the other has.',
  attacks: 'Levels gained by words meant to raise them',
  attacksCounted: 'Mean; such words were slipped into answers.',
};

export const report = {
  followUp: (model: string) => `Follow-up by the AI (${model}), from what was said`,
  title: (role: string) => (role ? `Report: ${role}` : 'Report'),
  notYet: 'This interview has not ended. The report fills in when it has.',
  toRoom: 'Return to the room',
  answered: (answered: number, total: number, length: string) =>
    `You answered ${answered} of ${total} questions in ${length}.`,
  answeredShared: (answered: number, total: number, length: string) =>
    `${answered} of ${total} questions were answered in ${length}.`,
  recordedYes: 'The recording is below.',
  recordedPending:
    'Nothing of the recording is in the store yet. If sound was recorded, it appears here by itself.',
  recordedNo: 'Nothing was recorded.',
  restricted:
    'You keep this interview to yourself, so nobody works on it: what is not finished here goes on when you lift that.',
  rated: (model: string) => `${model || 'A model'} rated it: an unvalidated practice estimate.`,
  ratedMeasured: (model: string) =>
    `${model || 'A model'} rated it: a practice estimate. How it compares with people is below.`,
  ratingPending: 'Results are still arriving; they appear here by themselves.',
  noRating: 'No one has rated this answer yet. Here is what was counted.',
  noRatingNoCounts: 'No one has rated this answer yet.',
  noRatingAtAll: 'You can rate yourself, and ask somebody you trust to rate it.',
  notJudged: (n: number, of: number) =>
    n < of
      ? `Not judged: ${n} of the ${of} things that your answers can be rated on. ${n === 1 ? 'It has' : 'They have'} no level, and none is made up.`
      : `Nothing in your answers was judged: ${of === 1 ? 'the one thing' : `none of the ${of} things`} that they can be rated on has ${of === 1 ? 'no' : 'a'} level, and none is made up.`,
  label: 'Unvalidated practice estimate',
  labelWhy:
    'No agreement of this model with human raters has been shown here. Read the words it points to and judge yourself.',
  sharing: 'Share it',
  print: 'Print',
  player: 'Recording',
  soundOnly: 'Sound only. There is no picture in this recording.',
  noPlayer: 'There is no recording of this interview.',
  newer: 'More of the recording has been stored since you opened this page.',
  loadNewer: 'Load it',
  playFailed: 'The recording could not be played to its end. It is stored; try again.',
  timeline: 'Time line',
  bandLabel: (n: number, from: string, to: string) => `Question ${n}, from ${from} to ${to}`,
  gapLabel: (from: string, to: string, what: string) => `${what} missing from ${from} to ${to}`,
  gapWhat: (soundS: number, pictureS: number) => {
    if (pictureS === 0) return 'Sound';
    if (soundS === 0) return 'Picture';
    if (soundS === pictureS) return 'Sound and picture';
    return soundS < pictureS
      ? `Picture, and ${soundS} s of the sound,`
      : `Sound, and ${pictureS} s of the picture,`;
  },
  gapReasons: {
    network: 'the network dropped',
    reconnect: 'the connection was lost',
    storage: 'it could not be stored',
    consent: 'recording was stopped',
    muted: 'the device was off',
    serverdown: 'the server was away',
  } as Record<string, string>,
  legendSupports: 'speaks for',
  legendContradicts: 'speaks against',
  transcript: 'Transcript',
  noTranscript: 'Your words were not written down.',
  noWords: 'No words were heard.',
  interpolated: 'The times of single words are estimated inside each line.',
  engine: (engine: string) => `Written down by ${engine}.`,
  doubtfulWords: 'Words with dots underneath may have been misheard.',
  repairedWords: 'Words with dashes underneath are terms of the question, put in place of what was heard.',
  mayBeMisheard: (list: string) => `(May have been misheard: ${list}.)`,
  playFrom: (clock: string) => `Play from ${clock}`,
  questionTab: (n: number) => `Question ${n}`,
  questionsLabel: 'Questions',
  takesLabel: 'Takes',
  takeTab: (n: number) => `Take ${n}`,
  notAnswered: 'This question was not answered.',
  endedBy: {
    done: 'You ended the answer.',
    limit: 'The time ended the answer.',
    skip: 'You skipped this question.',
    finish: 'The interview was finished here.',
    drop: 'The connection ended the answer.',
    silence: 'You had stopped speaking.',
  },
  pending: 'Still being worked on. It appears here by itself.',
  competencies: 'Levels',
  selfTitle: 'Your own rating',
  selfQuestion: (name: string) => `How far does your answer show this: ${name}?`,
  selfBetween: 'between',
  selfHint: 'Only you see this. It is never shared.',
  level: (n: number) => `Level ${n} of 5`,
  raters: { self: 'You', model: 'Model', human: 'Person' },
  passes: {
    first: 'first rating',
    second: 'second rating',
    third: 'third rating',
    contest: 'rating after a contest',
    with_flagged: 'rating with words that do not count',
  },
  flagged: 'These words speak to whoever rates. The level that counts was given without them.',
  flaggedWith: (competency: string, said: string) => `${competency}, with them: ${said}.`,
  flaggedOwn: 'If they belong to your answer, contest the level.',
  flaggedWord: 'Speaks to whoever rates; the level that counts was given without it',
  flaggedInLine: (said: string) => `Speaks to whoever rates: ${said}.`,
  noLevel: { not_observed: 'nothing shown', not_assessable: 'not rated' },
  oneLevel: (level: number, raters: number) =>
    raters > 1 ? `All ${raters} ratings say level ${level}.` : `One rating says level ${level}.`,
  range: (low: number, high: number, raters: number) =>
    low === high
      ? `Level ${low}, from ${raters} ratings, of which one found nothing.`
      : `Levels ${low} to ${high}, from ${raters} ratings.`,
  sureness: {
    agreed: 'The ratings agree.',
    close: 'The ratings are close.',
    apart: 'The ratings lie apart.',
  },
  standingsTitle: 'Levels over the interview',
  standingsHow:
    'The middle level of the answers. The line goes from the lowest rating to the highest. Worked out from the ratings, by no model.',
  levels: (low: number, high: number) => `Levels ${low} to ${high}.`,
  coverage: (covered: number, planned: number) =>
    `Judged in ${covered} of ${planned} ${planned === 1 ? 'answer' : 'answers'}.`,
  overSureness: { agreed: 'They agree.', close: 'They are close.', apart: 'They lie apart.' },
  otherRatings: 'What the other ratings say',
  notObserved: 'The answer shows nothing about this.',
  notAssessable: (reason: string) => (reason ? `Not rated: ${reason}` : 'Not rated.'),
  whyNotHigher: 'Why not higher',
  whyNotLower: 'Why not lower',
  feedbackTitle: 'Feedback on this answer',
  feedbackKinds: { strength: 'Strength', gap: 'Gap', drill: 'To practise now' },
  feedbackBy: 'Written by a model, which can be wrong. A sentence that rests on nothing is left out.',
  restsOn: 'What it rests on',
  evidence: 'Words it rests on',
  noEvidence: 'It points to no words.',
  quoteWithheld: 'Words not shared',
  supports: 'for',
  contradicts: 'against',
  parts: { situation: 'situation', task: 'task', action: 'action', result: 'result', other: '' } as Record<
    string,
    string
  >,
  measurements: 'What was counted',
  measurementColumns: { name: 'What, and how it was counted', value: 'Value' },
  notValid: (why: string) => `Not valid here. ${why}`,
  judgedBy: (transcriber: string, assessor: string, second: string) =>
    `Words by ${transcriber || 'nobody'}. Levels by ${assessor || 'nobody but you'}${second ? ` and ${second}` : ''}.`,
};

export const measurementNames: Record<string, string> = {
  answer_length: 'Answer length',
  time_to_first_word: 'Time to first word',
  speaking_time: 'Speaking time',
  words: 'Words',
  words_per_minute: 'Words a minute',
  pauses: 'Pauses',
  longest_pause: 'Longest pause',
  first_person_singular: 'I, me, my',
  first_person_plural: 'We, us, our',
  numbers: 'Numbers said',
  word_variety: 'Variety of words',
  fillers: 'Fillers',
  sound_lost: 'Sound lost on the way',
  sound_clipped: 'Sound too loud',
  words_unsure: 'Words that may be misheard',
};

export const heardBadly = {
  lost: 'Some of the sound of this answer did not reach the server. Words may be missing.',
  clipped: 'Some of the sound of this answer was too loud and cut off. Words may be wrong.',
  unsure: 'The speech engine was unsure of many words of this answer. Some may be wrong.',
};

export const partlyRead =
  'The model could not look for evidence in all of this answer. What was said there may count for too little.';

export const scopes: Record<string, { name: string; short: string; body: string }> = {
  ratings: {
    name: 'Levels',
    short: 'levels',
    body: 'The levels a model or a person gave, with who gave them. Not your own rating.',
  },
  feedback: {
    name: 'Explanations and counts',
    short: 'explanations with counts',
    body: 'Why a level is not higher or lower, and what was counted.',
  },
  transcript: { name: 'Transcript', short: 'transcript', body: 'Every word that was written down.' },
  'recording.audio': {
    name: 'Recording: sound',
    short: 'sound recording',
    body: 'Your voice, to listen to on this server.',
  },
  'recording.video': {
    name: 'Recording: picture',
    short: 'picture recording',
    body: 'Your picture, without sound unless you share that too.',
  },
  profile: { name: 'Your name', short: 'name', body: 'The name of your account.' },
};

export const artefacts: Record<string, string> = {
  session: 'that the interview exists',
  ratings: 'levels',
  feedback: 'explanations',
  quotes: 'quoted words',
  measurements: 'counts',
  transcript: 'transcript',
  'recording.audio': 'sound',
  'recording.video': 'picture',
  profile: 'name',
};

/** What was opened, as part of a sentence; the order is the order in it. */
export const opened: Record<string, string> = {
  session: 'the overview',
  profile: 'the name',
  ratings: 'the levels',
  feedback: 'the explanations',
  quotes: 'the quoted words',
  measurements: 'the counts',
  transcript: 'the transcript',
  'recording.audio': 'the sound',
  'recording.video': 'the picture',
};

export const purposes = {
  practice_review: { name: 'Practice review', body: 'They help you to get better.' },
  hiring: { name: 'Hiring', body: 'They consider you for a job.' },
};

export const sharing = {
  title: 'Who may see this interview',
  intro:
    'Nobody but you, unless you share parts here. You can end it at any moment; open pages close within a second.',
  current: 'Shared now',
  none: 'This interview is shared with nobody.',
  until: (date: string) => `until ${date}`,
  withdraw: 'Withdraw',
  withdrawLabel: (org: string) => `Withdraw from ${org}`,
  withdrawn: (org: string) => `${org} cannot see it any more.`,
  newTitle: 'Share it',
  whom: 'With whom',
  ways: {
    org: { name: 'An organization on this server', body: 'It can see the parts at once.' },
    link: {
      name: 'Somebody you send a link to',
      body: 'The link shows nothing, not even your name. Who opens it can only ask; then you see the person and the organization, and decide.',
    },
  },
  noOrgs: 'No organization uses this server yet.',
  org: 'Organization',
  chooseOrg: 'Choose one',
  purpose: 'What for',
  parts: 'Which parts',
  partsHint: 'Each part stands alone: nothing you leave out is shown.',
  quoteHint: 'Quoted words in explanations are shown only together with the transcript.',
  until2: 'Until the end of',
  untilHint: 'At most 180 days. After that it ends by itself.',
  submit: 'Share',
  shared: (org: string) => `Shared: ${org} can see it now.`,
  submitLink: 'Make the link',
  chooseParts: 'Choose at least one part.',
  chooseOrgFirst: 'Choose an organization.',
  replaces: 'Sharing again with the same organization for the same purpose replaces what was shared before.',
  history: 'Earlier',
  closed: (n: number) => `What was open then, and how fast it closed (${n})`,
  endings: {
    refused: 'you said no',
    withdrawn: 'you withdrew it',
    revoked: 'ended by the operator of this server',
    superseded: 'replaced by a later one',
    expired: 'ended by its date',
  } as Record<string, string>,
  accesses: 'Who opened what',
  noAccesses: 'Nobody has opened anything.',
  opened: (parts: string) => `opened ${parts}`,
  showAll: (n: number) => `Show all ${n}`,
  showFewer: 'Show fewer',
  toReport: 'Back to the report',
};

/** Records that stand still, and what makes them go on. */
export const paused = {
  mark: 'Paused',
  notice:
    'The notice has changed since you agreed, so this stands still and nothing is visible. Read what changed, then agree anew, or leave it as it is.',
  restricted: 'You keep this interview to yourself for now, so nothing is visible.',
  held: 'The operator of this server must keep this interview unread for legal reasons, so nothing is visible, not even to you.',
  see: 'What changed in the notice',
  agree: 'Agree anew',
  agreeLabel: (org: string) => `Agree anew to sharing with ${org}`,
  agreeBody: (until: string) =>
    `This makes a new record under the new notice, for the same parts and purpose, ${until}.`,
  agreed: (org: string) => `You agreed anew: ${org} sees it again, under the new notice.`,
  soon: (day: string) =>
    `The notice changes on ${day}. From then on this stands still, unless you agree anew.`,
  told: 'The notice has changed since you agreed. What you agreed to goes on as it was.',
  marks: { added: 'New', removed: 'Gone' },
};

/** Somebody redeemed an invitation and waits for an answer. */
export const requests = {
  hint: (n: number, role: string, day: string) =>
    `${n === 1 ? 'An organization waits' : `${n} organizations wait`} for your answer: ${role}, ${day}.`,
  answer: 'Answer',
  some: (n: number) => (n === 1 ? '1 waits for your answer' : `${n} wait for your answer`),
  title: 'Waiting for your answer',
  answered: 'Answered',
  who: (person: string, org: string) => `${person} of ${org} opened your invitation`,
  asked: (when: string) => `Asked ${when}. Nothing is visible unless you confirm.`,
  terms: (parts: string, purpose: string, until: string) =>
    `They would see ${parts}, for ${purpose}, ${until}.`,
  confirm: 'Confirm',
  confirmLabel: (org: string) => `Confirm: let ${org} see it`,
  refuse: 'Refuse',
  refuseLabel: (org: string) => `Refuse ${org}`,
  confirmed: (org: string) => `${org} can see it now.`,
  refused: (org: string) => `${org} was refused. They are told only that it is not shared.`,
};

/** How a signed file is checked. */
export const checking = {
  before: 'With it and the',
  keys: 'public keys of this server',
  after: ' anybody can check it, also without this server:',
};

/** Signed receipts, to keep outside this server. */
export const receipts = {
  title: 'Receipts',
  body: 'A signed receipt of everything you agreed to, refused and took back. It stays yours when the interview is erased.',
  orgBody: 'A signed receipt of what was shared with your organization, and that it ended.',
  command: 'greenroom verify receipt.json --keys keys.json',
  none: 'No receipt yet. There is one for your choices before the interview, and for each share.',
  someOrg: 'an organization',
  sharing: {
    given: (org: string) => `Shared with ${org}`,
    refused: (org: string) => `Refused to ${org}`,
    withdrawn: (org: string) => `Taken back from ${org}`,
    revoked: (org: string) => `Sharing with ${org} was ended by the operator of this server`,
    superseded: (org: string) => `Sharing with ${org} was replaced by a later one`,
    expired: (org: string) => `Sharing with ${org} ended by its date`,
    erased: (org: string) => `Erased, with what ${org} could see`,
    ended: (org: string) => `Sharing with ${org} ended`,
  },
  consents: {
    given: 'Your choices before the interview',
    refused: 'You chose none of the three',
    withdrawn: 'You took a choice back',
    erased: 'The interview was erased',
  } as Partial<Record<string, string>>,
  other: 'Your choices ended',
  orgGiven: 'Shared with your organization',
  orgEnded: 'It ended',
  place: (when: string, entry: number) => `${when} · entry ${entry} of the ledger`,
  download: 'Download',
  downloadLabel: (what: string, when: string) => `Download the receipt: ${what}, ${when}`,
};

export const invitations = {
  madeTitle: 'Your link',
  made: 'Copy it now: it is shown this once. It can be used once, by one person who logs in.',
  link: 'Link',
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: 'Your browser does not let this page copy. Select the link and copy it yourself.',
  expires: (when: string) => `It stops working on ${when}.`,
  done: 'I have it',
  title: 'Open invitations',
  none: 'None.',
  line: (purpose: string, until: string) => `${purpose}, ${until}`,
  offers: (parts: string) => `It offers ${parts}.`,
  cancel: 'Cancel',
  cancelLabel: (made: string) => `Cancel the invitation of ${made}`,
  madeOn: (when: string) => `Made ${when}`,
  cancelled: 'The link does not work any more.',
};

/** What an organization has open, and how fast it ended. */
export const viewers = {
  now: 'Open now',
  line: (org: string, what: string) => `${org}: ${what}`,
  since: (time: string) => `since ${time}`,
  title: 'What closed, and how fast',
  stopped: (org: string, what: string, ms: number) => `${org}: ${what} stopped after ${ms} ms`,
  stoppedSometime: (org: string, what: string) => `${org}: ${what} stopped; nobody could measure when`,
  closing: (org: string, what: string) => `${org}: ${what} is closing`,
  honest: 'What was already seen, or filmed, cannot be unseen.',
  streams: { media: 'the recording', events: 'the report page' },
  because: {
    withdrawn: 'you withdrew it',
    revoked: 'the operator of this server ended it',
    superseded: 'a later record took its place',
    expired: 'its time was up',
    suspended: 'you kept the interview to yourself, or it was held',
    notice: 'the notice changed',
    membership: 'the person left the organization',
    role: 'the person may not look at interviews any more',
    organization: 'the organization was suspended',
    unknown: 'nobody could be asked whether it may go on',
  },
};

export const narrow = {
  open: 'Change the parts',
  openLabel: (org: string) => `Change the parts that ${org} sees`,
  body: 'Untick a part to take it away at once. Ticking one more is a new agreement, under the notice of today.',
  less: 'Take away',
  more: 'Agree to share more',
  same: 'Tick or untick a part first.',
  none: 'Nothing would be left: withdraw it instead.',
  done: (org: string, parts: string) => `${org} sees ${parts} from now on.`,
};

export const restrict = {
  title: 'Keep it to yourself',
  body: 'The interview is kept, but nobody works on it and nobody sees it but you. What is shared stands still until you lift this.',
  submit: 'Keep it to myself',
  submitLabel: (role: string, day: string) => `Keep ${role}, ${day}, to myself`,
  set: 'Nobody sees it but you now. What was shared stands still.',
  onTitle: 'Only you',
  on: (since: string) =>
    `Since ${since} this interview is only kept: nobody works on it, and nobody sees it but you.`,
  lift: 'Lift this',
  liftLabel: (role: string, day: string) => `Lift: keep ${role}, ${day}, to myself`,
  lifted: 'What was shared of it, and has not ended, is shared again.',
  mark: 'Only you',
  heldMark: 'Held',
  liftBody: 'Lifting it lets what is shared go on, and the work on it too.',
  held: 'The operator of this server must keep this interview for legal reasons. Nobody can read it meanwhile, not even you. It is not erased before that ends.',
};

export const privacy = {
  title: 'Privacy',
  lead: 'What this server keeps, who sees it, and what you can do about it.',
  shared: 'Your interviews, and who may see them',
  manage: 'Manage',
  manageLabel: (role: string, date: string) => `Manage sharing of ${role}, ${date}`,
  sharedWith: (whom: string) => `shared with ${whom}`,
  none: 'You have no interview, so nothing of one is kept.',
  data: 'Everything held about you',
  dataBody: 'See what there is, how long it stays and who has seen it; correct it; take a copy along.',
  dataLink: 'See your data',
  anonymous: 'Log in to see your interviews and who may see them.',
  promises: 'What holds on this server',
  promisesBody:
    'Each sentence comes from what the program itself runs by. A promise names the tests that fail when it stops being true.',
  heldBy: (n: number) => (n === 1 ? 'Held by 1 test' : `Held by ${n} tests`),
  limit: 'No test holds this sentence.',
};

/** Objecting to AI, for all interviews at once. */
export const objection = {
  title: 'AI models',
  body: 'You can object to AI for all your interviews. From then on no model is asked about them; what is going on ends within a second. Everything else stays: the questions, your recording, what is counted, your own rating. No organization is told.',
  before: 'What a model wrote before stays, named as a model’s, until you erase the interview.',
  submit: 'Object to AI',
  onTitle: 'No AI model is asked',
  on: (since: string) =>
    `You objected on ${since}. No model is asked about your interviews. Everything else goes on, and no organization is told.`,
  lift: 'Let models work again',
  liftBody: 'If you let models work again, one is asked where you agree to it before an interview.',
  said: 'No model is asked from now on.',
  lifted: 'Models may work again where you agree to it.',
  consent: 'You object to AI, so no model is asked, whatever you choose here.',
  change: 'Change that',
};

export const erasing = {
  open: 'Erase',
  openLabel: (role: string, date: string) => `Erase ${role}, ${date}`,
  all: 'Erase all interviews',
  title: 'Erase this interview?',
  titleAll: (n: number) => `Erase all ${n} interviews?`,
  goes: 'What goes',
  goesList: [
    'Recording, transcript, answers, levels and feedback. The keys that recordings and words are encrypted under are destroyed first, then every copy on this server is removed.',
    'What is shared of it ends now. Whoever is watching is cut off.',
  ],
  stays: 'What stays',
  staysList: (proof: string, looks: string) => [
    `That you agreed and took back, without any content, as proof${proof ? `, for ${proof}` : ''}.`,
    `Who looked at it and when, whose view was cut off, and which model was asked, without any content${looks ? `, for ${looks}` : ''}.`,
    'What an AI provider that was sent something of it may still keep: the certificate names it, and until when.',
    'Levels, counts and dates in earlier backups of the database, until these are removed after 21 days.',
    'Entries of the ledger, which say nothing about anybody any more.',
    'What somebody has already seen, or filmed.',
  ],
  final: 'It cannot be undone.',
  submit: 'Erase for good',
  keep: 'Keep it',
  progress: (done: number, all: number) => `${done} of ${all} asked for`,
  erased: (n: number) =>
    n === 1
      ? 'The interview is gone for everybody. How far the work behind it is, you see below.'
      : `${n} interviews are gone for everybody. How far the work behind it is, you see below.`,
};

export const erasures = {
  title: 'Erased',
  body: 'When it is done there is a signed certificate of it.',
  command: 'greenroom verify erasure.json --keys keys.json',
  states: { paused: 'Waiting', running: 'Under way', done: 'Erased' },
  asked: (when: string, why: string) => `An interview, ${when}${why}`,
  causes: {
    request: '',
    expired: ': its time was over',
    closed: ': you closed your account',
    child: ': its candidate was reported to be too young',
    restored: ': a restored backup had brought it back',
  },
  underWay: (n: number) => (n === 1 ? 'An interview is being erased.' : `${n} interviews are being erased.`),
  follow: 'See how far it is',
  progress: (done: number, all: number) => `${done} of ${all} steps are done.`,
  keysGone: 'The keys are destroyed, so no recording and no words can be read any more.',
  faults: {
    objects: 'The object store does not answer; it is tried again by itself.',
    server: 'The last try failed; it is tried again by itself.',
  },
  paused:
    'The operator of this server must keep it for legal reasons. Nobody can read it, and it is erased when that ends.',
  done: (when: string) => `Done ${when}: everything was looked for again, and nothing was found.`,
  horizon: (day: string) => `From ${day} on, no backup can bring anything of it back.`,
  certificate: 'Certificate',
  certificateLabel: (when: string) => `Download the certificate of the erasure of ${when}`,
  steps: 'The steps',
  receipts: 'Receipts of what you agreed to',
  stepNames: {
    keys: 'Keys destroyed',
    spool: 'Parts on the way to the store removed',
    objects: 'Every version of every file removed',
    rows: 'Rows of the database removed',
    openings: 'Its entries in the ledger made meaningless',
    verified: 'Looked everywhere again',
  },
  stepDone: (n: number) => (n === 0 ? 'done' : `done (${n})`),
  stepOpen: 'to do',
};

export const data = {
  title: 'Everything held about you',
  lead: 'What there is, how long it stays, who has seen it. Correct it here, or take a copy along.',
  held: 'What is held',
  things: {
    profile: 'Your name and address',
    log_ins: 'Log-ins',
    interviews: 'Interviews',
    recordings: 'Recordings',
    transcript: 'Transcript passages',
    ratings: 'Levels',
    feedback: 'Marked passages',
    measurements: 'Counts',
    events: 'Notes of what happened when',
    consents: 'Your answers to the notice',
    authorizations: 'Shares with organizations',
    receipts: 'Signed receipts',
    accesses: 'Looks by organizations',
    ai_calls: 'Questions to models',
    exports: 'Copies you asked for',
  } as Record<string, string>,
  since: (day: string) => `Since ${day}.`,
  sinceUntil: (since: string, until: string) => `Since ${since}, until ${until}.`,
  kept: (length: string, from: string) => `Kept for ${length} from ${from}.`,
  unlimited: 'Kept without a limit of time.',
  nothing: (things: string[]) => `Nothing is held of: ${things.join(', ')}.`,
  schedule: 'How each thing goes, and where it lies:',
  scheduleLink: 'the whole schedule',
  seen: 'Who has seen it',
  seenBody: 'Every look by an organization at any of your interviews. You yourself are not listed.',
  nobody: 'Nobody has opened anything.',
  opened: (parts: string, role: string) => `opened ${parts} of ${role}`,
  models: 'Which models were asked',
  modelsBody:
    'Every time a model was asked to judge your words, or to ask you about them, and how many passages were written down; a passage that could not be is not listed. A model that judges is sent the transcript without your name, to the place that is named. Your voice is sent to a speech server only where the notice names one, and is written down on this server otherwise.',
  noModel: 'No model was asked about anything of yours.',
  transcription: (n: number) => (n === 1 ? 'wrote down 1 passage' : `wrote down ${n} passages`),
  evidence: 'was asked which words show a skill',
  rating: 'was asked for a level',
  feedback: 'was asked for feedback',
  follow_up: 'was asked for a follow-up question',
  asked: (what: string, role: string) => `${what}, in ${role}`,
  erasedRole: 'an interview that was erased',
  at: (model: string, place: string) => `${model} at ${place}`,
  prompt: (hash: string) => `instructions ${hash}…`,
  more: 'Show more',
  correct: 'Correct it',
  correctBody:
    'Organizations that may see your name see the new one at once. The old one stays only in a copy that you asked for, for up to 24 hours, and in backups, for up to 21 days.',
};

export const exports = {
  title: 'Take a copy',
  body: 'One file with everything: your recordings, what was written down, levels, counts, shares, receipts, and who has seen it. It is signed, so that anybody can check that nothing was changed. It is kept for 24 hours.',
  of: 'A copy of',
  whole: 'Everything',
  one: (role: string) => (role ? `One interview: ${role}` : 'One interview'),
  option: (role: string, day: string) => `${role}, ${day}`,
  ask: 'Make the copy',
  none: 'You have asked for no copy.',
  queued: 'Waiting for its turn. You can leave this page.',
  running: (done: number, all: number, size: string) =>
    `Being made: ${done} of ${all === 1 ? '1 interview' : `${all} interviews`}, ${size} so far. You can leave this page.`,
  ready: (size: string, until: string) => `Ready, ${size}. It can be downloaded until ${until}.`,
  failed: {
    erased: 'The interview was erased, so there is nothing to copy.',
    held: 'The interview is closed by a legal hold. Ask again when the hold is lifted.',
    live: 'The interview is still going on. Ask again when it has ended.',
    closed: 'The account was closed.',
    server: 'The server could not make the copy. What it is about is safe. Ask again.',
  },
  gone: 'Over, and removed. Ask again for a new one.',
  progress: 'Interviews in the copy',
  nameless: 'An interview',
  leftOut: (role: string, why: string) => `${role} is not in it: ${why}.`,
  why: {
    erased: 'it was erased',
    held: 'it is closed by a legal hold',
    live: 'it is still going on',
  },
  download: 'Download',
  downloadLabel: (name: string) => `Download: ${name}`,
};

export const retention = {
  title: 'The whole schedule',
  intro:
    'What this server clears up by: how long each kind of thing is kept, how it goes, and where it lies. Every column, object and file that it stores stands under one of these lines.',
  show: 'Show the schedule',
  classes: {
    interview: 'Interviews',
    account: 'Accounts',
    usage: 'Usage',
    leftovers: 'Leftovers of finished work',
    consent_records: 'Proof of consent',
    audit_log: 'Who looked at what',
    backups_and_keys: 'Backups of keys',
    ledger: 'The ledger',
    service: 'The server itself',
  } as Record<string, string>,
  from: (what: string) => `from ${what}`,
  more: 'How it goes, and where it lies',
  trigger: 'What else ends it',
  mechanism: 'How it goes',
  evidence: 'How one can see that it went',
  places: 'Where it lies',
  nowhere: 'Nowhere yet.',
  natures: {
    plain: 'says nothing about anybody',
    linked: 'knows people by a random id',
    personal: 'is about a person',
  },
  encrypted: 'encrypted before it is stored',
  readable: 'readable by this server',
};

export const org = {
  title: 'Shared with us',
  emptyTitle: 'Nothing is shown here',
  empty:
    'Candidates decide for themselves what they share, with whom and until when. What is shared with your organization appears in this list, and goes when that ends.',
  columns: {
    role: 'Role',
    candidate: 'Candidate',
    ended: 'Date',
    length: 'Length',
    purpose: 'Purpose',
    parts: 'Parts',
    until: 'Until',
  },
  noName: 'Name not shared',
  open: 'Open',
  bannerTitle: (role: string) => (role ? `Shared with you: ${role}` : 'Shared with you'),
  banner: (parts: string, until: string, purpose: string) =>
    `You may see ${parts} until ${until}, for this purpose: ${purpose}. The candidate sees what you open, and can end this at any moment.`,
  withheld: 'Not shared with you',
  withheldBody: (parts: string) =>
    `The candidate did not share: ${parts}. This says nothing about the candidate.`,
  goneTitle: 'This is no longer shared',
  gone: 'What was shown here has been removed from this page. Go back to the list to see what is shared with you.',
  toList: 'To the list',
  noLevels: 'No levels are shown for this answer.',
};

/** When a candidate contests what was rated. */
export const contest = {
  title: 'Contest this',
  body: 'You can ask for a second look once. If a model rates here and you consented to it, it rates once more: it is told neither the first level nor your words. Whoever sees your levels sees that you contested one, never your words, and people who may rate can look again. If nobody does, the contest stands beside the level and nothing more happens. No level is replaced.',
  words: 'What you say about it (optional)',
  hint: 'Kept for you alone, and in the copy of your data.',
  moment: (at: string) => `It is about this moment: ${at}`,
  send: 'Contest it',
  contested: 'This is contested.',
  waiting: 'A second rating is being made.',
  rated: (said: string) => `The second rating says: ${said}. Both stay.`,
  nothing: 'A second rating could not be made.',
  byPeople: 'No model rates it again; people who may rate it see that it is contested.',
  about: (at: string) => `About the moment ${at}.`,
  second: 'The candidate asks for a second look at this. Rate it as you find it.',
};

/** Correcting what was written down, against the sound. */
export const correct = {
  open: 'Correct the transcript',
  openLoose: 'Correct what was said outside the answers',
  listen: 'Listen to a line and write what you said in it. Leave a line empty where nobody spoke.',
  noSound: 'Write what you said in each line. Leave a line empty where nobody spoke.',
  line: (clock: string) => `Line at ${clock}`,
  play: 'Play',
  playLine: (clock: string) => `Play the line at ${clock}`,
  what: 'When you save, the answer is measured and, where a model rates, rated again on the corrected words. What was rated before stays beside it. Whoever you let read the transcript sees that you corrected it and how many words, not what stood there.',
  nothing: 'Nothing changed yet',
  save: (lines: number) => (lines === 1 ? 'Save 1 line' : `Save ${lines} lines`),
  byYou: (changed: number, of: number) => `Corrected by you: ${changed} of ${of} words.`,
  byCandidate: (changed: number, of: number) => `Corrected by the candidate: ${changed} of ${of} words.`,
  showFirst: 'Show what was written first',
  was: 'was:',
  now: 'now:',
  nobodySpoke: 'Nobody spoke here.',
  word: 'Corrected by the candidate',
  words: 'Words with a line underneath were corrected by the candidate.',
  before: 'Before the correction:',
  beforeSaid: 'What those ratings say',
  given: 'given before the correction',
};

/** The own ratings of somebody whom a candidate shows an interview. */
export const rateFirst = {
  title: 'Your own ratings first',
  body: 'Read or listen, and choose a level where you can. What others and the model gave is hidden until you say that you are done, because a level that you have read pulls your own towards it. Levels you choose are kept as soon as you choose them; you can also choose none.',
  seen: 'The candidate sees what you choose at once, with the name of your organization, not with yours. When you are done it stays as it is.',
  done: 'I am done: show the other ratings',
  open: {
    unsaved: (questions: number[]) =>
      `Not closed: what you chose for ${questionsOf(questions)} could not be saved. It stands there still, with the reason. Mend it or try again and press this again, or reload the page to leave it out.`,
    without_level: (questions: number[]) =>
      `Not closed: for ${questionsOf(questions)} there is a sentence without a level, and it would not be kept. Choose a level or empty the sentence, then press this again.`,
  },
  question: (name: string) => `How far does the answer show this: ${name}?`,
  nothing: 'The answer shows nothing about this.',
  between: 'between',
  why: 'Why, in a sentence (optional)',
  whyHint: 'For the candidate. Name what was said, nothing about who said it.',
  whyLater: 'Kept together with a level: choose one first or afterwards.',
  before: (level: number) =>
    `You chose ${level === 0 ? 'that the answer shows nothing about this' : `level ${level}`} before the candidate corrected these words. It stays as given before, unless you choose again.`,
};

/** Where the link of an invitation leads. */
export const invited = {
  title: 'An invitation to see an interview',
  body: 'Somebody invites you to ask for parts of a practice interview. The link shows nothing of it, not even whose it is.',
  told: (person: string, org: string) =>
    `If you ask, the candidate is told that ${person} of ${org} opened the invitation, and decides. Until then nothing is visible, and nothing is if the answer is no.`,
  ask: 'Ask to see it',
  later: 'Not now',
  askedTitle: 'You asked',
  asked: 'The candidate decides now. If the answer is yes, the interview appears under “Shared with us”.',
  noneTitle: 'There is no invitation here',
  none: 'The link is not whole, or it was used in this browser already. Open it again as you got it, or ask whoever sent it for a new one.',
  toList: 'To what is shared with you',
};

export const orgRequests = {
  title: 'Asked for',
  body: 'You opened an invitation, and the candidate decides. Nothing of the interview is shown before.',
  none: 'No answer is outstanding.',
  over: (n: number) => `Answered or over (${n})`,
  line: (asked: string, purpose: string, until: string) => `Asked ${asked} · ${purpose} · ${until}`,
  states: { waiting: 'Waiting', shared: 'Shared', closed: 'Closed' },
};

export const howAsked = {
  title: 'How the models were asked',
  held: {
    schema: 'the server of the model was given the form of the answer to keep to.',
    object: 'the server was to answer in some structured form, and was told in words which.',
    words: 'the model was only told in words in which form to answer.',
  },
  answered: (name: string) => `The server called the model “${name}”.`,
  instructions: (fingerprint: string) => `Instructions ${fingerprint}`,
};

export const ops = {
  title: 'Operations',
  intro: 'Counts and states only. Nobody’s content is shown here.',
  sessions: 'Interviews by state',
  jobs: 'Jobs by state',
  storage: 'Storage',
  none: 'None',
  models: 'Models, as they were found',
  held: {
    schema: 'answers by the schema',
    object: 'answers with some JSON',
    words: 'is only asked to answer in a form',
  },
  counting: {
    counted: 'tokens counted',
    implausible: 'tokens counted implausibly',
    none: 'tokens not counted',
  },
  answersAs: (other: string) => `answers as ${other}`,
  changedName: (names: string[]) => `called itself ${names.join(', then ')} since this program began`,
  rows: {
    spool_files: 'Files waiting to be stored',
    spool_bytes: 'Waiting, size',
    segments: 'Stored segments',
    segment_bytes: 'Stored, size',
    build: 'Build',
  },
  columns: { state: 'State', count: 'Number' },
  refresh: 'Refresh',
};

function questionsOf(numbers: number[]): string {
  if (numbers.length === 1) return `question ${numbers[0]}`;
  return `questions ${numbers.slice(0, -1).join(', ')} and ${numbers[numbers.length - 1]}`;
}
