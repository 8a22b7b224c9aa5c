/** Downloads of files that only who is signed in may have: a plain link cannot carry the access token. */
import { refusal } from './refusal';
import type { Session } from './session';

/** Fetches `url` and hands it to the browser as a file. */
export async function download(session: Session, url: string): Promise<void> {
  const response = await session.fetch(url);
  if (!response.ok) throw new Error(await refusal(response));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = fileName(response.headers.get('content-disposition')) ?? 'report.csv';
  link.click();
  // The browser reads the file only after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function fileName(disposition: string | null): string | undefined {
  return /filename="([^"]+)"/.exec(disposition ?? '')?.[1];
}
