/** An amount of money with every digit it has; those below the cent are set back, and a column's points line up. */
import type { Usd } from '../lib/scalars';
import { usdParts } from '../lib/format';
import classes from './amount.module.css';

interface Props {
  usd: Usd;
  /** Room for this many digits below the cent, so that a column of amounts lines up at the point. */
  fineDigits?: number;
}

export function Amount({ usd, fineDigits = 0 }: Props) {
  const { main, fine } = usdParts(usd);
  const room = fineDigits - fine.length;
  return (
    <span className={classes.amount}>
      {main}
      {fine && <span className={classes.fine}>{fine}</span>}
      {room > 0 && <span aria-hidden="true" className={classes.room} style={{ width: `${room}ch` }} />}
    </span>
  );
}
