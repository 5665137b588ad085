/** What was billed by the day, of both Runpods, as a chart draws it. */
import type { Costs } from '../api/documents';

export interface DayBar {
  date: string;
  /** US dollars that Runpod billed, and what the embedded one would have cost */
  charged: number;
  uncharged: number;
}

/** Join the bills by their days, oldest first; empty where nobody said anything. */
export function dayBars(costs: Costs): DayBar[] {
  const bars = new Map<string, DayBar>();
  for (const { bill } of costs.backends) {
    for (const { date, usd } of bill?.by_day ?? []) {
      const bar = bars.get(date) ?? { date, charged: 0, uncharged: 0 };
      bar[bill?.is_charged ? 'charged' : 'uncharged'] += usd;
      bars.set(date, bar);
    }
  }
  return [...bars.values()].sort((one, other) => one.date.localeCompare(other.date));
}

/** Return what was charged today, and in all days; null without a bill of Runpod. */
export function charged(costs: Costs): { today: number; days: number } | null {
  const bills = costs.backends.map(each => each.bill).filter(bill => bill?.is_charged);
  return bills.length ? { today: sum(bills, 'today_usd'), days: sum(bills, 'days_usd') } : null;
}

function sum(bills: (Record<'today_usd' | 'days_usd', number> | null)[], field: 'today_usd' | 'days_usd'): number {
  return bills.reduce((total, bill) => total + (bill?.[field] ?? 0), 0);
}
