"""The REST interface: problems, keys, the OpenAPI document, then one file a resource."""
