import type { Statement } from '../api/types';
import { api } from '../state';
import { privacy as words } from '../text';
import { Loaded, useLoad } from '../ui/load';
import { TestNames } from '../ui/test-names';

/**
 * What this server promises, in the sentences that its own registries make. Each names the tests that
 * fail when it stops being true; one that names none says where promises end, and is marked so.
 */
export function Statements() {
  const page = useLoad((signal) => api.privacy({ signal }), 'privacy');
  return (
    <Loaded of={page} lines={8}>
      {({ sections }) => (
        <>
          {sections.map((section) => (
            <section key={section.title} data-testid="privacy-section">
              <h3>{section.title}</h3>
              <ul class="statements">
                {section.statements.map((s) => (
                  <Sentence key={s.text} statement={s} />
                ))}
              </ul>
            </section>
          ))}
        </>
      )}
    </Loaded>
  );
}

function Sentence(props: { statement: Statement }) {
  const { text, tests } = props.statement;
  return (
    <li class="statement">
      <p>{text}</p>
      {tests && tests.length > 0 ? (
        <TestNames tests={tests} />
      ) : (
        <p class="quiet statement-limit">{words.limit}</p>
      )}
    </li>
  );
}
