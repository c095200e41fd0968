// How long PVXS takes to connect channels, seconds on standard output: its own way of asking for no
// more than a connected channel, which p4p does not offer.
//
// usage: pvxsConnect PREFIX COUNT      with EPICS_PVA_NAME_SERVERS set
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <epicsEvent.h>
#include <pvxs/client.h>

int main(int argc, char** argv)
{
    if (argc != 3) return 2;
    const std::string prefix(argv[1]);
    const int count = std::atoi(argv[2]);
    std::atomic<int> left(count);
    epicsEvent done;
    const auto start = std::chrono::steady_clock::now();
    auto context = pvxs::client::Context::fromEnv();
    std::vector<std::shared_ptr<pvxs::client::Connect>> channels;
    channels.reserve(count);
    for (int index = 0; index < count; index++) {
        channels.push_back(context.connect(prefix + std::to_string(index))
                               .onConnect([&left, &done]() {
                                   if (--left == 0) done.signal();
                               })
                               .exec());
    }
    if (!done.wait(300.0)) return 1;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%f\n", seconds.count());
    std::fflush(stdout);
    std::_Exit(0);
}
