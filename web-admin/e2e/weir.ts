/** The running Weir that the journeys are driven against, and the traffic that gives them something to see. */
import { readFileSync } from 'node:fs';

interface Quickstart {
  data_url: string;
  admin_url: string;
  email: string;
  password: string;
  api_key: string;
}

const path = process.env.WEIR_QUICKSTART;
if (!path) throw new Error('set WEIR_QUICKSTART to the data/quickstart.json of a running weir');

export const weir = JSON.parse(readFileSync(path, 'utf8')) as Quickstart;

/** Calls that come to their end, and one that the app leaves early; answers how many usage events that makes at least. */
export async function makeTraffic(): Promise<number> {
  const models = await chatModels();
  for (const model of models) await (await call(model, false)).json();
  const [model = ''] = models;
  const { body } = await call(model, true);
  const reader = body?.getReader();
  await reader?.read();
  await reader?.cancel();
  return models.length + 1;
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
  const messages = [{ role: 'user', content: 'Tell me about weirs, at some length.' }];
  const body = JSON.stringify({ model, messages, stream, max_tokens: 200 });
  const response = await fetch(`${weir.data_url}/v1/chat/completions`, { method: 'POST', headers: headers(), body });
  if (!response.ok) throw new Error(`${model} was refused: ${response.status} ${await response.text()}`);
  return response;
}

function headers(): Record<string, string> {
  return { authorization: `Bearer ${weir.api_key}`, 'content-type': 'application/json' };
}
