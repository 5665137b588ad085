/** What everything costs an hour now, and what it cost by the day. */
import * as React from 'react';

import { Chart } from './chart';
import { charged, dayBars } from './days';
import type { Costs, EndpointListing } from '../api/documents';
import { count, hourText, money, workersText } from './format';

interface TotalProps {
  listing: EndpointListing;
  costs: Costs | null;
}

export function Total({ listing, costs }: TotalProps): React.ReactElement {
  return (
    <section className="jp-flash-Total" aria-label="Cost">
      <div className="jp-flash-Total-now">
        <strong>{money(listing.usd_per_hour)}</strong>
        <span>{hourText(listing)}</span>
      </div>
      <div className="jp-flash-Total-workers">{workersText(listing)}</div>
      {costs && <Bills costs={costs} />}
    </section>
  );
}

function Bills({ costs }: { costs: Costs }): React.ReactElement {
  const bars = dayBars(costs);
  const bill = charged(costs);
  const failed = costs.backends.filter(each => each.error);
  return (
    <>
      {bill && (
        <div className="jp-flash-Total-bill">
          {`billed today ${money(bill.today)}, in ${count(costs.days, 'day')} ${money(bill.days)}`}
        </div>
      )}
      {bars.some(bar => bar.charged + bar.uncharged > 0) && <Chart bars={bars} />}
      {bars.some(bar => bar.uncharged > 0) && (
        <div className="jp-flash-Total-bill">
          <span className="jp-flash-Chart-key" /> embedded Runpod at list prices: not charged
        </div>
      )}
      {failed.map(each => (
        <div key={each.name} className="jp-flash-Total-bill">{`no bill: ${each.error?.message ?? ''}`}</div>
      ))}
    </>
  );
}
