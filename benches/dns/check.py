"""Checks brands as `dns check` does, with dnspython and asyncio: check.py RESOLVER PORT BRANDS HOSTS.

Each host is asked of the resolver and of every server of its zone; a question is repeated once, after two seconds.
"""

import asyncio
import sys
import time

import dns.asyncquery
import dns.exception
import dns.message
import dns.rdatatype

RESOLVER, PORT, BRANDS, HOSTS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
AT_ONCE = asyncio.Semaphore(256)
silent = 0


async def ask(server, name, kind):
    global silent
    async with AT_ONCE:
        for _ in range(2):
            try:
                query = dns.message.make_query(name, kind)
                answer = await dns.asyncquery.udp(query, server, timeout=2, port=PORT)
                return {data.to_text() for rrset in answer.answer for data in rrset if rrset.rdtype == query.question[0].rdtype}
            except (dns.exception.Timeout, OSError):
                silent += 1
    return None


addresses = {}


async def address(name):
    if name not in addresses:
        addresses[name] = asyncio.ensure_future(ask(RESOLVER, name, "A"))
    return await addresses[name] or set()


async def brand(number):
    zone = f"brand-{number:04}.example"
    names = await ask(RESOLVER, zone, "NS") or set()
    found = await asyncio.gather(*(address(name) for name in names))
    servers = [RESOLVER, *(one for some in found for one in some)]
    right = 0
    for host in range(HOSTS):
        name = f"host-{host}.{zone}"
        answers = await asyncio.gather(*(ask(server, name, "A") for server in servers))
        right += all(answer == {f"192.0.2.{host}"} for answer in answers)
    return right


async def main():
    right = await asyncio.gather(*(brand(number) for number in range(BRANDS)))
    return sum(right)


begin = time.monotonic()
right = asyncio.run(main())
print(f"{right} of {BRANDS * HOSTS} right, {silent} time-outs, {time.monotonic() - begin:.1f} s")
