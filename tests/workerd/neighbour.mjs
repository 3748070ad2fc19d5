// Another script of the same zone: it has the cache that Anteroom's isolates share, and does with it what it likes (`beside` in harness.mjs).
export default {
  async fetch(request) {
    const cache = await caches.open("anteroom"), { url } = request;
    if (request.method === "GET") return (await cache.match(url)) ?? new Response(null, { status: 404 });
    await cache.put(url, new Response(await request.text(), { headers: { "Cache-Control": "max-age=3600" } }));
    return new Response();
  },
};
