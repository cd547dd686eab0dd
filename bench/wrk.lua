-- Asks for the hosts in turn, and ends with one line of JSON: how many answers came in which time, and after how long.
local requests, turn = {}, 0

function init(args)
    for _, host in ipairs(args) do
        wrk.headers["Host"] = host
        requests[#requests + 1] = wrk.format("GET")
    end
end

function request()
    turn = turn % #requests + 1
    return requests[turn]
end

function done(summary, latency)
    local counts = {}
    for i = 1, #latency do
        local microseconds, count = latency(i)
        counts[i] = string.format("[%d,%d]", microseconds, count)
    end
    local errors = summary.errors
    local lost = errors.connect + errors.read + errors.write + errors.timeout
    local told = '{"requests":%d,"microseconds":%d,"failed":%d,"lost":%d,"latencies":[%s]}\n'
    io.write(string.format(told, summary.requests, summary.duration, errors.status, lost, table.concat(counts, ",")))
end
