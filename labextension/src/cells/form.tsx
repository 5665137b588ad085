/** The form of one cell: its role in the build, and the options of its endpoint. It is given everything it shows. */
import React from 'react';

import type { Problem } from './check';
import { ROLES, type Mark, type Role } from './marks';
import { FIELDS, MORE_FIELDS, otherOptions, textOf, type Field, type Options } from './options';

export interface FormProps {
  /** Changes with the cell: what is typed belongs to one. */
  readonly cell: string;
  readonly mark: Mark;
  /** The comment that marks it instead; empty without one. */
  readonly comment: string;
  readonly isHandler: boolean;
  /** What its `%%remote` line says; null where it has none. */
  readonly remote: string | null;
  readonly options: Options;
  readonly problems: readonly Problem[];
  readonly setMark: (mark: Mark) => void;
  readonly setOption: (name: string, text: string) => void;
}

/** Shown for a code cell. */
export function CellForm(props: FormProps): React.JSX.Element {
  const hasOptions = Object.keys(props.options).length > 0;
  return (
    <form
      key={props.cell}
      className="jp-flash-CellForm"
      onSubmit={event => {
        event.preventDefault();
      }}
    >
      <MarkFields {...props} />
      {(props.isHandler || props.remote !== null || hasOptions) && <OptionFields {...props} />}
      <Problems problems={props.problems} />
    </form>
  );
}

function MarkFields({ mark, comment, setMark }: FormProps): React.JSX.Element {
  if (comment !== '') {
    return (
      <p className="jp-flash-CellForm-note">
        This cell is marked by its comment <code>{comment}</code>. Change it there, or take it away and mark the cell
        here.
      </p>
    );
  }
  const help = ROLES.find(each => each.role === mark.role)?.help ?? '';
  return (
    <>
      <Row label="In the build" help={help} id="role">
        <select
          id={idOf('role')}
          className="jp-mod-styled"
          aria-describedby={helpOf('role')}
          value={mark.role}
          onChange={event => {
            setMark({ role: event.target.value as Role, name: mark.name });
          }}
        >
          {ROLES.map(each => (
            <option key={each.role} value={each.role}>
              {each.label}
            </option>
          ))}
        </select>
      </Row>
      {mark.role === 'handler' && (
        <TextRow
          field={{
            name: 'handler',
            label: 'Function',
            placeholder: 'handler',
            help: 'Its name: each handler has its own.'
          }}
          text={mark.name}
          change={name => {
            setMark({ role: 'handler', name: name.trim() });
          }}
        />
      )}
    </>
  );
}

function OptionFields({ options, remote, setOption }: FormProps): React.JSX.Element {
  const row = (field: Field): React.JSX.Element => (
    <TextRow
      key={field.name}
      field={field}
      text={textOf(options[field.name])}
      change={text => {
        setOption(field.name, text);
      }}
    />
  );
  const isOpen = MORE_FIELDS.some(field => field.name in options);
  return (
    <fieldset className="jp-flash-CellForm-options">
      <legend>Endpoint</legend>
      {remote !== null && remote !== '' && (
        <p className="jp-flash-CellForm-note">
          Its <code>%%remote</code> line wins: <code>{remote}</code>
        </p>
      )}
      {otherOptions(options).map(row)}
      {FIELDS.map(row)}
      <details open={isOpen}>
        <summary>More options</summary>
        {MORE_FIELDS.map(row)}
      </details>
    </fieldset>
  );
}

function TextRow(props: { field: Field; text: string; change: (text: string) => void }): React.JSX.Element {
  const { field, text, change } = props;
  // what is typed shows at once: the metadata come back a moment later
  const [typed, setTyped] = React.useState(text);
  React.useEffect(() => {
    setTyped(text);
  }, [text]);
  const common = {
    id: idOf(field.name),
    className: 'jp-mod-styled',
    'aria-describedby': helpOf(field.name),
    value: typed,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLSelectElement>) => {
      setTyped(event.target.value);
      change(event.target.value);
    }
  };
  return (
    <Row label={field.label} help={field.help} id={field.name}>
      {field.choices ? (
        <select {...common}>
          {field.choices.map(choice => (
            <option key={choice} value={choice}>
              {choice === '' ? 'queue (not said)' : choice}
            </option>
          ))}
        </select>
      ) : (
        <input {...common} type="text" placeholder={field.placeholder} spellCheck={false} autoComplete="off" />
      )}
    </Row>
  );
}

function Row(props: { label: string; help: string; id: string; children: React.ReactNode }): React.JSX.Element {
  return (
    <div className="jp-flash-CellForm-row">
      <label htmlFor={idOf(props.id)}>{props.label}</label>
      {props.children}
      <small id={helpOf(props.id)}>{props.help}</small>
    </div>
  );
}

/** A screen reader says them as they come. */
function Problems({ problems }: { problems: readonly Problem[] }): React.JSX.Element {
  return (
    <div className="jp-flash-CellForm-problems" role="status" aria-label="Problems of this cell">
      {problems.map(problem => (
        <p key={problem.message}>
          <strong>{problem.message}</strong>
          {problem.fix !== '' && <span>{problem.fix}</span>}
        </p>
      ))}
    </div>
  );
}

const idOf = (name: string): string => `jp-flash-cell-${name}`;
const helpOf = (name: string): string => `jp-flash-cell-${name}-help`;
