import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, until } from '@slipway/local';

export type Peer = { name: string; url: string; pids: () => number[]; stop: () => void };

const up = (port: number) =>
  until(
    `port ${port}`,
    async () => (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' })).status > 0,
    10_000,
  );

function script(code: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: 'ignore',
    cwd: join(import.meta.dirname, '..', '..'),
  });
}

/** A model that answers at once, so that only the proxy is measured. */
export async function startStub(): Promise<Peer> {
  const [port] = await freePorts(1);
  const answer = JSON.stringify({
    model_name: 'bench',
    model_version: '1',
    outputs: [{ name: 'probability', datatype: 'FP32', shape: [1, 1], data: [0.5] }],
  });
  const child = script(`
    import { createServer } from 'node:http';
    const answer = ${JSON.stringify(answer)};
    const headers = { 'content-type': 'application/json', 'content-length': answer.length };
    createServer((req, res) => {
      req.resume();
      req.on('end', () => res.writeHead(200, headers).end(answer));
    }).listen(${port}, '127.0.0.1');`);
  await up(port as number);
  return { name: 'stub', url: `http://127.0.0.1:${port}`, pids: () => [child.pid as number], stop: () => child.kill() };
}

/** The smallest proxy in Node: node:http in front, undici behind. It logs nothing and assigns nothing. */
export async function startBareProxy(target: string): Promise<Peer> {
  const [port] = await freePorts(1);
  const child = script(`
    import { createServer } from 'node:http';
    import { Pool } from 'undici';
    const pool = new Pool(${JSON.stringify(target)}, { connections: 128, pipelining: 1 });
    const json = { 'content-type': 'application/json' };
    createServer((req, res) => {
      const chunks = [];
      req.on('data', (c) => chunks.push(c));
      req.on('end', async () => {
        const asked = { method: 'POST', path: req.url, body: Buffer.concat(chunks), headers: json };
        const a = await pool.request(asked);
        const body = Buffer.from(await a.body.arrayBuffer());
        res.writeHead(a.statusCode, { ...json, 'content-length': body.length }).end(body);
      });
    }).listen(${port}, '127.0.0.1');`);
  await up(port as number);
  return {
    name: 'node:http + undici',
    url: `http://127.0.0.1:${port}`,
    pids: () => [child.pid as number],
    stop: () => child.kill(),
  };
}

/** nginx with split_clients, the usual way to do a canary without a controller; undefined when it is not installed. */
export async function startNginx(target: string, folder: string): Promise<Peer | undefined> {
  const binary = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'].find(
    (path) => {
      try {
        execFileSync(path, ['-v'], { stdio: 'ignore' });
        return true;
      } catch {
        return false;
      }
    },
  );
  if (!binary) return undefined;
  const [port] = await freePorts(1);
  mkdirSync(folder, { recursive: true });
  const { host } = new URL(target);
  const configuration = join(folder, 'nginx.conf');
  writeFileSync(
    configuration,
    `worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log ${folder}/access.log;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream control { server ${host}; keepalive 128; } upstream candidate { server ${host}; keepalive 128; }
  split_clients "$http_x_slipway_unit$request_id" $arm { 5% candidate; * control; }
  server {
    listen 127.0.0.1:${port}; keepalive_requests 1000000;
    location / { proxy_pass http://$arm; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  );
  const child = spawn(binary, ['-c', configuration, '-p', folder], { stdio: 'ignore' });
  await up(port as number);
  const workers = () =>
    readdirSync('/proc')
      .filter((p) => /^\d+$/.test(p))
      .map(Number)
      .filter((p) => parent(p) === child.pid);
  return {
    name: 'nginx split_clients (access log on)',
    url: `http://127.0.0.1:${port}`,
    pids: () => [child.pid as number, ...workers()],
    stop: () => child.kill('SIGQUIT'),
  };
}

function parent(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
