// The database. Containers, keys, indexes and TTLs come from generated/cosmos.json, which the product's own table writes.
param name string
param location string
param tags object
@description('{mode: serverless} or {mode: autoscale, maxRu}, zoneRedundant, backup.')
param throughput object
param isPrivate bool
param endpointSubnetId string
param networkId string
param principalId string
param workspaceId string

var there = loadJsonContent('../generated/cosmos.json')
var isServerless = throughput.mode == 'serverless'
// Cosmos DB Built-in Data Contributor.
var dataContributor = '00000000-0000-0000-0000-000000000002'

resource account 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: isServerless ? [{ name: 'EnableServerless' }] : []
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    locations: [{ locationName: location, failoverPriority: 0, isZoneRedundant: throughput.zoneRedundant }]
    backupPolicy: { type: 'Continuous', continuousModeProperties: { tier: throughput.backup } }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2024-11-15' = {
  parent: account
  name: there.database
  properties: {
    resource: { id: there.database }
    options: isServerless ? {} : { autoscaleSettings: { maxThroughput: throughput.maxRu } }
  }
}

resource containers 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-11-15' = [
  for one in there.containers: {
    parent: database
    name: one.name
    properties: {
      resource: one.resource
    }
  }
]

// The trail is written and read, never changed: whoever has the app's identity cannot rewrite what was audited.
resource createAndRead 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2024-11-15' = {
  parent: account
  name: guid(account.id, 'create-and-read')
  properties: {
    roleName: 'SRE Copilot: create and read'
    type: 'CustomRole'
    assignableScopes: [account.id]
    permissions: [
      {
        dataActions: [
          'Microsoft.DocumentDB/databaseAccounts/readMetadata'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read'
        ]
      }
    ]
  }
}

resource mayAppend 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = [
  for one in there.appendOnly: {
    parent: account
    name: guid(account.id, principalId, one)
    properties: {
      principalId: principalId
      roleDefinitionId: createAndRead.id
      scope: '${account.id}/dbs/${there.database}/colls/${one}'
    }
    dependsOn: [containers]
  }
]

resource mayWrite 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = [
  for one in there.written: {
    parent: account
    name: guid(account.id, principalId, one)
    properties: {
      principalId: principalId
      roleDefinitionId: '${account.id}/sqlRoleDefinitions/${dataContributor}'
      scope: '${account.id}/dbs/${there.database}/colls/${one}'
    }
    dependsOn: [containers]
  }
]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: account
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      { category: 'DataPlaneRequests', enabled: true }
      { category: 'PartitionKeyRUConsumption', enabled: true }
      { category: 'ControlPlaneRequests', enabled: true }
    ]
    metrics: [{ category: 'Requests', enabled: true }]
  }
}

module endpoint 'private-endpoint.bicep' = if (isPrivate) {
  name: 'cosmos-endpoint'
  params: {
    name: 'pep-${name}'
    location: location
    tags: tags
    serviceId: account.id
    part: 'Sql'
    zoneName: 'privatelink.documents.azure.com'
    subnetId: endpointSubnetId
    networkId: networkId
  }
}

output id string = account.id
output endpoint string = account.properties.documentEndpoint
output databaseName string = database.name
