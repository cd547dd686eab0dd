// The applications that this authentik protects. A real provider for one application has one host; here it may have several,
// so that one login serves all the sites of a test.
import crypto from 'crypto';

function numbered(name, numbers) {
    return numbers.map((number) => `${name}-${number}.lab.test`);
}

const APPLICATIONS = [
    {client: 'private', hosts: ['private.lab.test']},
    // Of the lab as people have it.
    {client: 'ordinary', hosts: ['admin.lab.test', 'partners.lab.test', 'wiki.lab.test']},
    {client: 'proxy-roles', hosts: ['proxy-roles.lab.test', 'proxy-roles-intern.lab.test']},
    {
        client: 'fallback',
        hosts: [
            'fallback.lab.test', 'fallback-shut.lab.test', 'fallback-open.lab.test', 'fallback-strict.lab.test',
            'bench-direct.lab.test', 'bench-plain-nginx.lab.test', 'growing-many.lab.test',
        ].concat(numbered('growing', [1, 2, 3, 4, 5, 6, 7, 8, 9]), numbered('chain', [1, 3, 9])),
    },
    // A domain-wide provider: every host that ends so, however it looks.
    {client: 'domain', hosts: [], domain: 'domain.lab.test'},
];
APPLICATIONS.forEach((one) => {
    one.cookie = 'authentik_proxy_' + crypto.createHash('sha256').update(one.client).digest('hex').slice(0, 8);
    one.sent = new RegExp(`(?:^|; ?)${one.cookie}=([^;]*)`);
});

// Paths that anybody may see (skip_path_regex).
const SKIPPED = /^\/skipped\//;

// The application of a host, with its cookie's name and what finds that among those `sent`, or undefined. Names are compared
// as they come: capitals, a port or a final dot make another one.
function of(host) {
    return APPLICATIONS.find((one) => one.hosts.includes(host) || (one.domain && host.endsWith(one.domain)));
}

function isSkipped(path) {
    return SKIPPED.test(path);
}

export default {isSkipped, of};
