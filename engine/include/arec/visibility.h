/* AREC_PUBLIC marks what the shared library exports. */
#pragma once

#define AREC_PUBLIC __attribute__ ((visibility ("default")))
