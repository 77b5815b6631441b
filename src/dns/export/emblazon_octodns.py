"""Keeps what emblazon did not declare when octoDNS writes a zone.

octoDNS makes a zone exactly what its sources say: it deletes each record that they do not name. The files beside
this one name only what a brand needs, and the rest of the zone belongs to somebody else. With this processor octoDNS
changes and deletes nothing but records whose name and type these files declare.

emblazon writes this file anew at each export; it needs octoDNS 1.
"""

from logging import getLogger

from octodns.processor.base import BaseProcessor
from octodns.record import Record

# Types of which several owners have records at one name: theirs stay beside the declared ones.
SHARED = ('CAA', 'MX', 'TXT')


class KeepOthers(BaseProcessor):
    """Leaves every record alone whose name and type no source declares."""

    log = getLogger('emblazon')

    # octoDNS's older versions 1 do not hand over `lenient`.
    def process_source_and_target_zones(self, desired, existing, target, lenient=False):
        standing = {_key(record): record for record in existing.records}
        for record in sorted(desired.records, key=_key):
            problem = self._problem(record, standing)
            if problem:
                self.log.warning('%s %s is left out: %s', record.fqdn, record._type, problem)
                desired.remove_record(record)
                continue
            other = standing.get(_key(record))
            if other is not None and record._type in SHARED:
                desired.add_record(self._beside(desired, record, other), replace=True, lenient=True)
        declared = {_key(record) for record in desired.records}
        # Wanted as they are, and not hidden: a provider that writes whole zones would lose hidden ones.
        for key, record in standing.items():
            if key not in declared:
                desired.add_record(record, lenient=True)
        return desired, existing

    def _problem(self, record, standing):
        """Says why a record cannot stand beside what somebody else has at its name; None if it can."""
        types = {_type for name, _type in standing if name == record.name and _type != record._type}
        # RFC 1034, section 3.6.2
        if record._type == 'CNAME' and types:
            return f'no CNAME can be beside {", ".join(sorted(types))}; delete that first'
        if 'CNAME' in types:
            return 'nothing can be beside the CNAME of this name; delete that first'
        other = standing.get(_key(record))
        # RFC 7208, section 3.2
        if record._type == 'TXT' and other is not None:
            theirs = [value for value in other.values if _is_spf(value)]
            ours = [value for value in record.values if _is_spf(value)]
            if theirs and ours and theirs != ours:
                return f'a name has one SPF text, and {theirs[0]!r} is there; make one of both by hand'
        return None

    def _beside(self, zone, record, other):
        """Returns a copy of a record which also has the values of the other one."""
        values = list(record.values) + [value for value in other.values if value not in record.values]
        data = {'ttl': record.ttl, 'type': record._type}
        data['values'] = [getattr(value, 'data', value) for value in values]
        return Record.new(zone, record.name, data, source=record.source, lenient=True)


def _key(record):
    return record.name, record._type


def _is_spf(text):
    return text.lower().split(' ')[0] == 'v=spf1'
