// Watches a camera with PVXS. On standard output: "begin" at the first frame, and SECONDS later
// "end", the frames received, the frames lost (gaps in uniqueId), and its own processor seconds.
//
// usage: cameraMonitor NAME SECONDS      with EPICS_PVA_NAME_SERVERS set
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <epicsEvent.h>
#include <epicsThread.h>
#include <pvxs/client.h>

static double cpuSeconds()
{
    rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char** argv)
{
    if (argc != 3) return 2;
    std::atomic<long> received(0), lost(0), failures(0);
    long last = -1;  // of the one thread that calls back
    epicsEvent first;
    auto context = pvxs::client::Context::fromEnv();
    auto subscription = context.monitor(argv[1])
                            .event([&](pvxs::client::Subscription& one) {
                                while (true) {
                                    try {
                                        auto value = one.pop();
                                        if (!value) return;
                                        const long id = value["uniqueId"].as<int32_t>();
                                        if (last >= 0) {
                                            received++;
                                            lost += id - last - 1;
                                        }
                                        last = id;
                                        first.signal();
                                    } catch (std::exception&) {
                                        failures++;
                                    }
                                }
                            })
                            .exec();
    if (!first.wait(60.0)) return 1;
    epicsThreadSleep(1.0);
    std::printf("begin\n");
    std::fflush(stdout);
    const long receivedBefore = received, lostBefore = lost, failuresBefore = failures;
    const double cpuBefore = cpuSeconds();
    epicsThreadSleep(std::atof(argv[2]));
    const long all = received - receivedBefore, missing = lost - lostBefore;
    if (failures != failuresBefore) return 1;
    std::printf("end %ld %ld %f\n", all, missing, cpuSeconds() - cpuBefore);
    std::fflush(stdout);
    std::_Exit(0);
}
