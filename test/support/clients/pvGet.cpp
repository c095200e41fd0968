// Reads PVs with the pvAccessCPP of EPICS 7, as pvget does, and prints one JSON object a line.
//
// usage: pvGet TIMEOUT_SECONDS NAME...
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <pv/pvData.h>
#include <pva/client.h>

int main(int argc, char** argv)
{
    pvac::ClientProvider provider("pva");
    for (int i = 2; i < argc; i++) {
        try {
            auto structure = provider.connect(argv[i]).get(std::atof(argv[1]));
            auto value = structure->getSubFieldT<epics::pvData::PVScalar>("value");
            std::printf("{\"name\":\"%s\",\"ok\":true,\"value\":%.17g}\n", argv[i], value->getAs<double>());
        } catch (std::exception& error) {
            std::printf("{\"name\":\"%s\",\"ok\":false,\"error\":\"no value\"}\n", argv[i]);
        }
    }
    std::fflush(stdout);
    std::_Exit(0);
}
