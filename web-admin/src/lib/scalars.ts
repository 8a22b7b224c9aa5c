/** The scalars of our GraphQL. Branded, so that an id is not mixed up with a name, and no money reaches a number. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A global id, e.g. `team_…`. */
export type Id = Branded<'Id'>;
/** US dollars, digit for digit, e.g. `0.000081`. Never to be computed with here. */
export type Usd = Branded<'Usd'>;
/** A moment, RFC 3339 in UTC. */
export type DateTime = Branded<'DateTime'>;
/** A whole number below 2⁵³. */
export type Count = number;
