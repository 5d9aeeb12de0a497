-- name: read
-- $1 text: name of the service's secret
SELECT encode(service_secret($1), 'hex');
