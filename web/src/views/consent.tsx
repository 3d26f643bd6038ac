import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ApiError } from '../api/client';
import type { ConsentName, Consents, Judge, Notice } from '../api/types';
import { api } from '../state';
import { consent, objection } from '../text';
import { Choice } from '../ui/choice';
import { ErrorBox } from '../ui/errors';
import { Loaded, useLoad } from '../ui/load';
import { Page } from '../ui/page';
import { withChoice } from './consent-choice';
import { noticeParts } from './notice-text';
import { sessionPath } from './steps';

export function ConsentView(props: { id: string }) {
  const { route } = useLocation();
  const page = useLoad(async (signal) => {
    const call = { signal };
    const [session, notice, judge, ai] = await Promise.all([
      api.session(props.id, call),
      api.notice(props.id, call),
      api.judge(call),
      api.aiObjection(call),
    ]);
    return { session, notice, judge, objected: ai.objected };
  }, props.id);
  const state = page.value?.session.state;
  useEffect(() => {
    // Answered already: the choices are changed in the room, not here.
    if (page.value && state !== 'scheduled') route(sessionPath(page.value.session), true);
  }, [state]);
  return (
    <Page title={consent.title} lead={consent.intro}>
      <Loaded of={page} lines={8}>
        {({ session, notice, judge, objected }) =>
          session.state === 'scheduled' ? (
            <>
              {objected && (
                <p class="note" data-testid="consent-objected">
                  {objection.consent} <a href="/privacy">{objection.change}</a>
                </p>
              )}
              <Boxes id={props.id} notice={notice} judge={judge} onChanged={page.reload} />
            </>
          ) : null
        }
      </Loaded>
    </Page>
  );
}

const nothing: Consents = { recording: false, transcription: false, assessment: false };

function Boxes(props: { id: string; notice: Notice; judge: Judge; onChanged: () => void }) {
  const [chosen, setChosen] = useState<Consents>(nothing);
  const [error, setError] = useState<unknown>(null);
  const [changed, setChanged] = useState(false);
  const [busy, setBusy] = useState(false);
  const choose = (name: ConsentName, on: boolean) => setChosen(withChoice(chosen, name, on));
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      // The next page needs a document of its own (see DeviceDocument): it is loaded at once, not twice.
      location.assign(sessionPath(await api.giveConsents(props.id, props.notice.sha256, chosen)));
    } catch (cause) {
      setBusy(false);
      if (cause instanceof ApiError && cause.status === 409) {
        setChanged(true);
        setChosen(nothing);
        props.onChanged();
      } else setError(cause);
    }
  };
  return (
    <form class="form form-wide" onSubmit={submit}>
      <div class="choices choices-one">
        <Box name="recording" chosen={chosen} onChoose={choose} yes={consent.boxes.recording.yes} />
        <Box
          name="transcription"
          chosen={chosen}
          onChoose={choose}
          yes={consent.boxes.transcription.yes(whoWrites(props.judge))}
        />
        <Box
          name="assessment"
          chosen={chosen}
          onChoose={choose}
          yes={consent.boxes.assessment.yes(whoJudges(props.judge))}
        >
          <p class="quiet">{consent.boxes.assessment.needs}</p>
        </Box>
      </div>
      <p>{consent.withdraw}</p>
      <details>
        <summary>{consent.refuseTitle}</summary>
        <p>{consent.refuse}</p>
      </details>
      <details data-testid="notice">
        <summary>{consent.seeNotice}</summary>
        <NoticeText text={props.notice.text} />
      </details>
      {changed && (
        <p class="note note-needs" role="alert">
          {consent.changed}
        </p>
      )}
      {error !== null && <ErrorBox error={error} />}
      <button class="button button-primary" type="submit" disabled={busy} data-testid="consent-continue">
        {consent.submit}
      </button>
      <p class="quiet" aria-live="polite">
        {!chosen.recording && !chosen.transcription && !chosen.assessment ? consent.none : ''}
      </p>
    </form>
  );
}

function Box(props: {
  name: ConsentName;
  chosen: Consents;
  onChoose: (name: ConsentName, on: boolean) => void;
  yes: string;
  children?: preact.ComponentChildren;
}) {
  const words = consent.boxes[props.name];
  return (
    <Choice
      type="checkbox"
      name={props.name}
      title={words.title}
      checked={props.chosen[props.name]}
      disabled={props.name === 'assessment' && !props.chosen.transcription}
      onChoose={(on) => props.onChoose(props.name, on)}
      testId={`consent-${props.name}`}
    >
      <p>{props.yes}</p>
      <p class="quiet">{words.no}</p>
      {props.children}
    </Choice>
  );
}

function NoticeText(props: { text: string }) {
  return (
    <div class="prose">
      {noticeParts(props.text).map((part) => (
        <section key={part.heading ?? ''}>
          {part.heading && <h3>{part.heading}</h3>}
          {part.paragraphs.map((paragraph) => (
            <p key={paragraph}>{paragraph}</p>
          ))}
        </section>
      ))}
    </div>
  );
}

function whoWrites(judge: Judge): string {
  const { engine, place } = judge.transcriber;
  return engine ? consent.transcriber(engine, place) : consent.noTranscriber;
}

function whoJudges(judge: Judge): string {
  const { model, second_model, place } = judge.assessor;
  return model ? consent.model(model, second_model ?? '', place) : consent.noModel;
}
