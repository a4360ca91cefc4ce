// JSON-RPC over HTTP, many calls in one request.

export interface Call {
  method: string;
  params?: unknown[];
}
interface Answer {
  id: number;
  result?: unknown;
  error?: { code: number; message: string };
}

const TIMEOUT_MS = 30_000;

/** Answers in the order of the calls. Throws the first error, with the method that gave it. */
export async function batch(url: string, calls: Call[]): Promise<unknown[]> {
  const body = JSON.stringify(
    calls.map(({ method, params = [] }, id) => ({ jsonrpc: '2.0', id, method, params })),
  );
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`the node answered with HTTP ${response.status}`);
  const answers = (await response.json()) as Answer[];
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  return calls.map(({ method }, id) => {
    const answer = byId.get(id);
    if (!answer) throw new Error(`${method}: no answer`);
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result;
  });
}

export async function request(url: string, method: string, ...params: unknown[]): Promise<unknown> {
  return (await batch(url, [{ method, params }]))[0];
}

export const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
