#include "remote/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

typedef struct {
    uint8_t bytes[16];
    unsigned bits; /* that must be equal */
    ArecAddressKind kind;
} Net;

/* The first that holds an address decides. */
static const Net nets4[] = {
    {{169, 254}, 16, AREC_ADDRESS_FORBIDDEN}, {{0}, 8, AREC_ADDRESS_PRIVATE},
    {{10}, 8, AREC_ADDRESS_PRIVATE},          {{100, 64}, 10, AREC_ADDRESS_PRIVATE},
    {{127}, 8, AREC_ADDRESS_PRIVATE},         {{172, 16}, 12, AREC_ADDRESS_PRIVATE},
    {{192, 0, 0}, 24, AREC_ADDRESS_PRIVATE},  {{192, 168}, 16, AREC_ADDRESS_PRIVATE},
    {{198, 18}, 15, AREC_ADDRESS_PRIVATE},    {{224}, 3, AREC_ADDRESS_PRIVATE},
};

static const Net nets6[] = {
    {{0xfd, 0x00, 0x0e, 0xc2}, 32, AREC_ADDRESS_FORBIDDEN},
    {{0xfe, 0x80}, 10, AREC_ADDRESS_FORBIDDEN},
    {{0xfe, 0xc0}, 10, AREC_ADDRESS_PRIVATE},
    {{0xfc}, 7, AREC_ADDRESS_PRIVATE},
    {{0xff}, 8, AREC_ADDRESS_PRIVATE},
    {{0}, 96, AREC_ADDRESS_PRIVATE}, /* ::, ::1 */
};

/* Where an IPv4 address lies in IPv6 ones that begin so. */
static const struct {
    uint8_t bytes[16];
    unsigned bits, at;
} carriers[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12},
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},
    {{0x20, 0x02}, 16, 2},
};

static bool
begins_so (const uint8_t *address, const uint8_t *net, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    uint8_t mask = (uint8_t)(0xff00u >> rest);

    return memcmp (address, net, whole) == 0 &&
           (rest == 0 || ((address[whole] ^ net[whole]) & mask) == 0);
}

static ArecAddressKind
find (const Net *nets, size_t n, const uint8_t *address)
{
    for (size_t i = 0; i < n; i++) {
        if (begins_so (address, nets[i].bytes, nets[i].bits)) {
            return nets[i].kind;
        }
    }
    return AREC_ADDRESS_PUBLIC;
}

static ArecAddressKind
kind_of_6 (const uint8_t address[16])
{
    for (size_t i = 0; i < G_N_ELEMENTS (carriers); i++) {
        if (begins_so (address, carriers[i].bytes, carriers[i].bits)) {
            return find (nets4, G_N_ELEMENTS (nets4), address + carriers[i].at);
        }
    }
    return find (nets6, G_N_ELEMENTS (nets6), address);
}

ArecAddressKind
arec_address_kind (const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;

        return find (nets4, G_N_ELEMENTS (nets4), (const uint8_t *)&v4->sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;

        return kind_of_6 (v6->sin6_addr.s6_addr);
    }
    return AREC_ADDRESS_FORBIDDEN;
}

/* inet_aton () takes what resolvers take for an address, too: `2852039166`, `0xa9.254.1`. */
ArecAddressKind
arec_address_kind_of_text (const char *text)
{
    g_autofree char *without_scope = g_strndup (text, strcspn (text, "%"));
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_aton (without_scope, &v4) != 0) {
        return find (nets4, G_N_ELEMENTS (nets4), (const uint8_t *)&v4);
    }
    if (inet_pton (AF_INET6, without_scope, &v6) == 1) {
        return kind_of_6 (v6.s6_addr);
    }
    return AREC_ADDRESS_PUBLIC;
}
