/** A small chart of money per day: one bar a day, charged at the bottom, what the embedded Runpod would have cost above. */
import * as React from 'react';

import type { DayBar } from './days';
import { money } from './format';

const WIDTH = 240;
const HEIGHT = 48;
const GAP = 0.25;

export function Chart({ bars }: { bars: DayBar[] }): React.ReactElement {
  const most = Math.max(...bars.map(bar => bar.charged + bar.uncharged));
  const said = bars.filter(bar => bar.charged + bar.uncharged > 0).map(words);
  return (
    <figure className="jp-flash-Chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT + 1}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Cost per day: ${said.join('; ') || 'nothing'}`}
      >
        {bars.map((bar, index) => (
          <Bar key={bar.date} bar={bar} index={index} width={WIDTH / bars.length} most={most} />
        ))}
        <line className="jp-flash-Chart-axis" x1={0} x2={WIDTH} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />
      </svg>
      <figcaption aria-hidden="true">
        <span>{shortDate(bars[0]?.date ?? '')}</span>
        <span>{`up to ${money(most)} a day`}</span>
        <span>today</span>
      </figcaption>
    </figure>
  );
}

interface BarProps {
  bar: DayBar;
  index: number;
  width: number;
  most: number;
}

function Bar({ bar, index, width, most }: BarProps): React.ReactElement {
  const [charged, uncharged] = [(bar.charged / most) * HEIGHT, (bar.uncharged / most) * HEIGHT];
  const place = { x: (index + GAP / 2) * width, width: width * (1 - GAP) };
  return (
    <g>
      <title>{words(bar)}</title>
      <rect className="jp-flash-Chart-hover" x={index * width} width={width} y={0} height={HEIGHT} />
      <rect className="jp-flash-Chart-charged" {...place} y={HEIGHT - charged} height={charged} />
      <rect className="jp-flash-Chart-uncharged" {...place} y={HEIGHT - charged - uncharged} height={uncharged} />
    </g>
  );
}

/** Say in words what a bar shows. */
export function words({ date, charged, uncharged }: DayBar): string {
  const parts = [];
  if (charged || !uncharged) {
    parts.push(money(charged));
  }
  if (uncharged) {
    parts.push(`${money(uncharged)} at list price on the embedded Runpod, not charged`);
  }
  return `${shortDate(date)}: ${parts.join(', ')}`;
}

function shortDate(date: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  return Number.isNaN(day.getTime())
    ? date
    : day.toLocaleDateString('en', { month: 'short', day: 'numeric', timeZone: 'UTC' });
}
