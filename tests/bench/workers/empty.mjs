// Nothing: what a process and an isolate take alone.
export default { fetch: () => new Response("") };
