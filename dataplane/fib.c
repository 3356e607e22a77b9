/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/fib.h"

struct rte_lpm *fib;
_Atomic uint32_t fib_default = FIB_NONE;
union nexthop nexthops[MAX_NEXTHOPS];
