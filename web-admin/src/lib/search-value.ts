/** State that belongs into the address, so that a page can be bookmarked and sent to somebody. */
import { useSearchParams } from 'react-router';

/** The search parameter `name`, or `fallback` where it is missing or no valid value. */
export function useSearchValue<T extends string>(
  name: string,
  isValid: (text: string) => text is T,
  fallback: T,
): [T, (value: T) => void] {
  const [search, setSearch] = useSearchParams();
  const text = search.get(name) ?? '';
  const set = (value: T): void => {
    setSearch((current) => {
      const next = new URLSearchParams(current);
      next.set(name, value);
      return next;
    });
  };
  return [isValid(text) ? text : fallback, set];
}
