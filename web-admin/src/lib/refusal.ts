/** Refusals of the server in words for the person in front of the page. */

/** What the server said in an answer that is not 2xx. */
export async function refusal(response: Response): Promise<string> {
  if (response.status === 429) return tooManyAttempts(response.headers.get('retry-after'));
  const body = (await response.json().catch(() => null)) as { error?: { message?: string } } | null;
  return sentence(body?.error?.message ?? `the server answered with an error (${response.status})`);
}

/** The server's messages are clauses, lowercase and without a stop. */
export function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}${/[.!?]$/.test(clause) ? '' : '.'}`;
}

function tooManyAttempts(retryAfter: string | null): string {
  const seconds = Number(retryAfter);
  const when = seconds > 0 ? `in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}` : 'in a minute';
  return `Too many attempts. Try again ${when}.`;
}
