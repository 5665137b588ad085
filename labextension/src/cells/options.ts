/** The options of a handler's endpoint: `metadata.flash` of its cell, as texts like those of a `%%remote` line. */

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly placeholder: string;
  readonly help: string;
  /** Where there are few values. */
  readonly choices?: readonly string[];
}

/** What most endpoints say. */
export const FIELDS: readonly Field[] = [
  { name: 'name', label: 'Name', placeholder: 'by hardware', help: 'Its name at Runpod.' },
  { name: 'gpu', label: 'GPU', placeholder: 'any', help: 'Pools or types, tried in this order: AMPERE_80,ADA_80_PRO' },
  { name: 'cpu', label: 'CPU', placeholder: 'none: a GPU', help: 'An instance instead of a GPU: cpu3c-2-4' },
  { name: 'deps', label: 'Packages', placeholder: 'none', help: 'For pip, with commas between them: torch,numpy>=2' },
  { name: 'workers', label: 'Workers', placeholder: '0-3', help: 'At most so many, or least-most: 1-4' },
  { name: 'idle', label: 'Idle, seconds', placeholder: '60', help: 'After so long without work a worker ends.' },
  { name: 'timeout', label: 'Timeout, seconds', placeholder: '600', help: 'A request may take so long.' }
];

/** What few do. */
export const MORE_FIELDS: readonly Field[] = [
  {
    name: 'via',
    label: 'Kind',
    placeholder: '',
    help: 'A queue of jobs, or a web API (lb).',
    choices: ['', 'queue', 'lb']
  },
  { name: 'count', label: 'GPUs a worker', placeholder: '1', help: 'From 1 to 8.' },
  { name: 'volume', label: 'Volume', placeholder: 'none', help: 'NAME, NAME:GB or id:ID, seen at /runpod-volume' },
  { name: 'datacenter', label: 'Data center', placeholder: 'any', help: 'Where workers run, and the volume is.' },
  { name: 'env', label: 'Variables', placeholder: 'none', help: 'A=1,B=2. Not for secrets: the notebook is saved.' },
  { name: 'apt', label: 'System packages', placeholder: 'none', help: 'With commas between them: ffmpeg' },
  { name: 'image', label: 'Image', placeholder: "Runpod's", help: 'Another container image.' },
  { name: 'python', label: 'Python', placeholder: "the build's", help: 'Another minor version: 3.12' },
  { name: 'out', label: 'Outputs', placeholder: 'what it binds', help: 'Return only these names.' }
];

export type Options = Readonly<Record<string, unknown>>;

/** The options as an object, whatever the metadata have. */
export function optionsOf(metadata: unknown): Options {
  return typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata) ? (metadata as Options) : {};
}

/** A value as it is written on a line: lists and pairs with commas. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) {
    return '';
  }
  if (Array.isArray(value)) {
    return value.map(textOf).join(',');
  }
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, each]) => `${name}=${textOf(each)}`)
      .join(',');
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The options with another text for one of them, without it where the text is empty; null where none is left. */
export function withOption(options: Options, name: string, text: string): Options | null {
  const others = Object.entries(options).filter(([each]) => each !== name);
  const changed = Object.fromEntries(text.trim() === '' ? others : [...others, [name, text]]);
  return Object.keys(changed).length === 0 ? null : changed;
}

/** The options that no field shows: misspelled, or of a later version. */
export function otherOptions(options: Options): Field[] {
  const known = new Set([...FIELDS, ...MORE_FIELDS].map(field => field.name));
  return Object.keys(options)
    .filter(name => !known.has(name))
    .map(name => ({ name, label: name, placeholder: '', help: 'No option of an endpoint: empty it to take it away.' }));
}
