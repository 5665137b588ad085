/** The user's settings, as `schema/sidebar.json` describes them. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';

import type { Extent } from './model';
import type { Intervals } from './polling';

export interface Preferences {
  intervals: Intervals;
  extent: Extent;
  showStatus: boolean;
}

/** What holds where the settings can't be read. */
export const DEFAULTS: Preferences = {
  intervals: { open: 5_000, closed: 30_000 },
  extent: { jobs: 20, costDays: 14 },
  showStatus: true
};

/** Read the settings; the schema has their ranges and defaults. */
export function readPreferences(settings: Pick<ISettingRegistry.ISettings, 'composite'>): Preferences {
  const { pollSeconds, closedPollSeconds, jobs, costDays, showStatus } = settings.composite as Record<string, never>;
  return {
    intervals: { open: Number(pollSeconds) * 1000, closed: Number(closedPollSeconds) * 1000 },
    extent: { jobs: Number(jobs), costDays: Number(costDays) },
    showStatus: Boolean(showStatus)
  };
}
