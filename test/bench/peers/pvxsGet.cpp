// How long single gets of PVXS take on one channel, one after the other: microseconds on standard
// output, in the order measured.
//
// usage: pvxsGet NAME COUNT      with EPICS_PVA_NAME_SERVERS set
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <pvxs/client.h>

int main(int argc, char** argv)
{
    if (argc != 3) return 2;
    const int count = std::atoi(argv[2]);
    auto context = pvxs::client::Context::fromEnv();
    // The channel stays from one get to the next.
    auto held = context.connect(argv[1]).exec();
    context.get(argv[1]).exec()->wait(30.0);
    std::vector<double> taken;
    for (int index = -count / 10; index < count; index++) {
        const auto start = std::chrono::steady_clock::now();
        context.get(argv[1]).exec()->wait(30.0);
        const std::chrono::duration<double, std::micro> one = std::chrono::steady_clock::now() - start;
        if (index >= 0) taken.push_back(one.count());
    }
    for (double one : taken) std::printf("%.1f ", one);
    std::fflush(stdout);
    std::_Exit(0);
}
