/** The running Weir that the journeys are driven against, and the traffic that gives them something to see. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

interface Quickstart {
  data_url: string;
  admin_url: string;
  email: string;
  password: string;
  api_key: string;
}

interface Counts {
  data: { viewer: { memberships: { organization: { chargeback: { eventCount: number } } }[] } };
}

const ARRIVAL_MS = 30_000;

const path = process.env.WEIR_QUICKSTART;
if (!path) throw new Error('set WEIR_QUICKSTART to the data/quickstart.json of a running weir');

export const weir = JSON.parse(readFileSync(path, 'utf8')) as Quickstart;

/** Makes calls that come to their end and one that the app leaves early, and waits until all are in the report. */
export async function makeTraffic(): Promise<void> {
  const models = await chatModels();
  for (const model of models) await (await call(model, false)).json();
  const [model = ''] = models;
  const { body } = await call(model, true);
  const reader = body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await eventsArrived(models.length + 1);
}

async function eventsArrived(atLeast: number): Promise<void> {
  const { access_token: token } = await post<{ access_token: string }>('/auth/login', { email: weir.email, password: weir.password });
  const period = new Date().toISOString().slice(0, 7);
  const query = `{ viewer { memberships { organization { chargeback(period: "${period}") { eventCount } } } } }`;
  const deadline = Date.now() + ARRIVAL_MS;
  for (let seen = 0; seen < atLeast; await pause(100)) {
    if (Date.now() > deadline) throw new Error(`${seen} of ${atLeast} usage events arrived within ${ARRIVAL_MS} ms`);
    const { data } = await post<Counts>('/graphql', { query }, token);
    seen = data.viewer.memberships[0]?.organization.chargeback.eventCount ?? 0;
  }
}

async function post<T>(url: string, body: object, token = ''): Promise<T> {
  const authorization = token && `Bearer ${token}`;
  const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
  const response = await fetch(weir.admin_url + url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} was refused: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function chatModels(): Promise<string[]> {
  const { data } = (await (await fetch(`${weir.data_url}/v1/models`, { headers: headers() })).json()) as {
    data: { id: string; architecture?: { output_modalities?: string[] } }[];
  };
  const chat = data.filter(({ architecture }) => architecture?.output_modalities?.includes('text') ?? true);
  if (chat.length === 0) throw new Error('there is no chat model to call');
  return chat.slice(0, 3).map(({ id }) => id);
}

async function call(model: string, stream: boolean): Promise<Response> {
  // The simulated provider takes ten seconds over a stream, so that the app can leave in its midst.
  const pace = stream ? ' [[sandbox chunks=100 chunk_ms=100]]' : '';
  const messages = [{ role: 'user', content: `Tell me about weirs, at some length.${pace}` }];
  const body = JSON.stringify({ model, messages, stream, max_tokens: 200 });
  const response = await fetch(`${weir.data_url}/v1/chat/completions`, { method: 'POST', headers: headers(), body });
  if (!response.ok) throw new Error(`${model} was refused: ${response.status} ${await response.text()}`);
  return response;
}

function headers(): Record<string, string> {
  return { authorization: `Bearer ${weir.api_key}`, 'content-type': 'application/json' };
}
