/** Parameters of paths, with their types. */
import { useParams } from 'react-router';
import type { Id } from '../lib/scalars';

/** The organization in the path. The server checks it; here it only gets its type. */
export function useOrganizationId(): Id {
  return (useParams().organizationId ?? '') as Id;
}
