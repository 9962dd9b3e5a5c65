-- For wrk: what a row asks for, and one line of JSON with what came of it.
-- Arguments after "--": METHOD BODY_BYTES close|keep COOKIE HOSTS: of "-" and 0 nothing is sent
function init(arguments)
  wrk.method = arguments[1]
  local bytes = tonumber(arguments[2])
  if bytes > 0 then
    wrk.body = string.rep("x", bytes)
    wrk.headers["Content-Type"] = "application/octet-stream"
  end
  if arguments[3] == "close" then wrk.headers["Connection"] = "close" end
  wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
  wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
  wrk.headers["Accept-Language"] = "en-US,en;q=0.5"
  wrk.headers["Cookie"] = "session=5f2b0e9c7a6d4c1f8b3e2d1c0a9f8e7d; theme=dark"
  if arguments[4] ~= "-" then wrk.headers["Cookie"] = wrk.headers["Cookie"] .. "; " .. arguments[4] end
  local hosts = tonumber(arguments[5])
  if hosts > 0 then ask_hosts(hosts) end
end

-- Each request for another of that many hosts, in an order that no cache foresees.
function ask_hosts(hosts)
  local asked = {}
  for number = 0, hosts - 1 do
    wrk.headers["Host"] = string.format("host-%05d.bench.example", number)
    asked[number] = wrk.format()
  end
  local number = 0
  request = function()
    number = (number + 7919) % hosts
    return asked[number]
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "bytes": %d, "seconds": %.6f, "failed": %d, "p99_ms": %.4f}\n',
    summary.requests, summary.bytes, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(99) / 1000))
end
