// The servers that answer a search for servers, as pvxlist looks for them: each endpoint once, a line.
//
// usage: pvxDiscover COUNT SECONDS      ends after COUNT of them, or that time
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include <epicsEvent.h>
#include <epicsMutex.h>
#include <epicsGuard.h>
#include <pvxs/client.h>

int main(int argc, char** argv)
{
    if (argc != 3) return 2;
    const size_t count = std::atoi(argv[1]);
    epicsMutex lock;
    epicsEvent done;
    std::set<std::string> seen;
    auto context = pvxs::client::Context::fromEnv();
    auto search = context.discover([&](const pvxs::client::Discovered& found) {
        epicsGuard<epicsMutex> guard(lock);
        if (found.event != pvxs::client::Discovered::Online) return;
        if (!seen.insert(found.server).second) return;
        std::printf("%s\n", found.server.c_str());
        if (seen.size() >= count) done.signal();
    }).pingAll(true).exec();
    done.wait(std::atof(argv[2]));
    std::fflush(stdout);
    std::_Exit(0);
}
