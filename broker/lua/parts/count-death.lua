-- The worker that had claimed a run is gone without giving it back: the lease ends and the death is counted, as a
-- death alone if the run was alone in its batch by order, else as a death in company. [R12]
-- Returns the new counts: deaths in company, deaths alone.
local function count_death(run, deaths, alone, alone_deaths)
  if alone == '1' then
    alone_deaths = alone_deaths + 1
  else
    deaths = deaths + 1
  end
  redis.call('HSET', run, 'lease', 0, 'worker', '', 'alone', 0, 'deaths', deaths, 'alone_deaths', alone_deaths)
  return deaths, alone_deaths
end
