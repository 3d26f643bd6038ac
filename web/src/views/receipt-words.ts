import type { Authorization, Receipt } from '../api/types';
import { receipts as words } from '../text';

/** Whose name a record, or a list of organizations, tells. */
type Known = Pick<Authorization, 'org_id' | 'org_name'> & { id?: string };
type About = Pick<Receipt, 'state' | 'authorization' | 'org_id'>;

/** What a candidate's receipt is of, in words. */
export function ownReceiptWords(receipt: About, records: readonly Known[]): string {
  const { state, authorization, org_id } = receipt;
  if (!authorization) return words.consents[state] ?? words.other;
  const org = records.find((a) => a.id === authorization || a.org_id === org_id)?.org_name;
  return words.sharing[state](org ?? words.someOrg);
}

/** What an organization's receipt is of: it is told that something ended, and never how. */
export function orgReceiptWords(receipt: About): string {
  return receipt.state === 'given' ? words.orgGiven : words.orgEnded;
}
