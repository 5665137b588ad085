"""What old and app clients ask over GraphQL; only `execution` imports graphql-core, with the first request."""
