// The least a Worker in front of an origin can do: the limit that a gate's throughput is compared with.
export default {
  async fetch(request) {
    return fetch(request);
  },
};
