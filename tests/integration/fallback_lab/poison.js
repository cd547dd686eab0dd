// What one client's own request makes fail, as a bug of the login service would.
function oversized(r) {
    r.headersOut['X-Long'] = 'x'.repeat(300000);
    r.return(200);
}

export default {oversized};
