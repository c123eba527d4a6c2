/* What kind of address a request would go to. Pure. Any thread.
 */
#pragma once

#include <sys/socket.h>

typedef enum {
    AREC_ADDRESS_PUBLIC,
    /* This machine, private networks (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7), and
     * what is neither of these nor a host: multicast, reserved. */
    AREC_ADDRESS_PRIVATE,
    /* 169.254/16, fe80::/10, fd00:ec2::/32: there machines get their credentials, which nobody
     * who names a URL is to see. */
    AREC_ADDRESS_FORBIDDEN,
} ArecAddressKind;

/* @address  of any family: what is not IPv4 or IPv6 is FORBIDDEN. An IPv4 address inside an
 * IPv6 one (mapped, NAT64, 6to4) counts as itself. */
ArecAddressKind arec_address_kind (const struct sockaddr *address);

/* The same for an address in text, without brackets; PUBLIC for a name. */
ArecAddressKind arec_address_kind_of_text (const char *text);
