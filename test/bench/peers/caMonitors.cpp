// Watches counters with libca. On standard output: "begin" when all have had a value, and SECONDS later
// "end", the updates received, the updates lost (gaps in the counters), its own processor seconds, and
// the fewest updates of one PV.
//
// usage: caMonitors PREFIX COUNT SECONDS      with EPICS_CA_NAME_SERVERS set
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <cadef.h>
#include <epicsEvent.h>
#include <epicsThread.h>

struct Counter {
    double last = -1;
    long received = 0;
    long lost = 0;
};

static std::atomic<bool> isCounting(false);
static std::atomic<int> left;
static epicsEvent allSeen;

static void updated(event_handler_args args)
{
    if (args.status != ECA_NORMAL || !args.dbr) return;
    Counter& one = *static_cast<Counter*>(args.usr);
    const double value = *static_cast<const dbr_double_t*>(args.dbr);
    if (one.last < 0) {
        if (--left == 0) allSeen.signal();
    } else if (isCounting.load(std::memory_order_relaxed)) {
        one.received++;
        one.lost += static_cast<long>(value - one.last) - 1;
    }
    one.last = value;
}

static void connected(connection_handler_args args)
{
    if (args.op != CA_OP_CONN_UP) std::exit(1);  // no circuit may end
    void* counter = ca_puser(args.chid);
    ca_create_subscription(DBR_DOUBLE, 1, args.chid, DBE_VALUE, updated, counter, nullptr);
}

static double cpuSeconds()
{
    rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char** argv)
{
    if (argc != 4) return 2;
    const int count = std::atoi(argv[2]);
    left = count;
    std::vector<Counter> counters(count);
    if (ca_context_create(ca_enable_preemptive_callback) != ECA_NORMAL) return 1;
    for (int index = 0; index < count; index++) {
        const std::string name = argv[1] + std::to_string(index);
        chid channel;
        ca_create_channel(name.c_str(), connected, &counters[index], CA_PRIORITY_DEFAULT, &channel);
    }
    ca_flush_io();
    if (!allSeen.wait(60.0)) {
        std::fprintf(stderr, "%d of %d PVs had no value\n", left.load(), count);
        return 1;
    }
    epicsThreadSleep(2.0);  // what has piled up meanwhile
    std::printf("begin\n");
    std::fflush(stdout);
    const double cpuBefore = cpuSeconds();
    isCounting = true;
    epicsThreadSleep(std::atof(argv[3]));
    isCounting = false;
    const double cpu = cpuSeconds() - cpuBefore;
    epicsThreadSleep(0.2);
    long received = 0, lost = 0, fewest = counters[0].received;
    for (const Counter& one : counters) {
        received += one.received;
        lost += one.lost;
        fewest = std::min(fewest, one.received);
    }
    std::printf("end %ld %ld %f %ld\n", received, lost, cpu, fewest);
    std::fflush(stdout);
    std::_Exit(0);
}
